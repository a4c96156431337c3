import { toRejectPayload } from '../../platform/schema/rows/reject-row.ts'
import { type RejectedItem, rejectedItemV1 } from '../../contracts/feature-event.ts'
import type { PostItems } from './gateway-items.ts'
import { type RejectWithBytes, type RetryOutcome } from './reject.ts'

/** What a retry came to. `event_id` is the id under which it was sent or stored. */
export type RetryResult = { reject: RejectWithBytes; outcome: RetryOutcome; event_id?: string; code?: string; message?: string }

export type Item = { reject: RejectWithBytes; kind: RejectedItem['kind']; name: string; eventId: string; body: object }

/**
 * The client's item in a reject, or undefined where it holds none. The id that the reject was given goes along, so that a
 * second sending is the same event; so does its receipt as `known_at`, for that is when it could first be known.
 */
export function toItem(reject: RejectWithBytes): Item | undefined {
  const parsed = reject.kind === 'reject' ? rejectedItemV1.safeParse(parseJson(reject)) : undefined
  if (parsed?.success !== true || typeof parsed.data.item !== 'object' || parsed.data.item === null) return undefined
  const { kind, name, ingested_at, item } = parsed.data
  const idField = kind === 'label' ? 'label_id' : 'event_id'
  const body: Record<string, unknown> = { known_at: ingested_at, [idField]: reject.event_id, ...item }
  return { reject, kind, name, eventId: String(body[idField]), body }
}

/**
 * Sends items of one kind and name. Each is judged by a dry run first: an item that is still refused would otherwise
 * leave another reject behind. A request that is refused whole is halved around the items at fault.
 */
export async function sendItems(post: PostItems, items: readonly Item[]): Promise<RetryResult[]> {
  const [first] = items
  if (first === undefined) return []
  const request = { kind: first.kind, name: first.name }
  const judged = await post({ ...request, items: items.map(({ body }) => body), dryRun: true })
  if ('refused' in judged) {
    if (items.length === 1) return [toRefused(first.reject, judged.refused)]
    const middle = items.length >> 1
    return [...(await sendItems(post, items.slice(0, middle))), ...(await sendItems(post, items.slice(middle)))]
  }
  const problems = new Map(judged.rejected.map((problem) => [problem.index, problem]))
  const refused = items.flatMap(({ reject }, index) => {
    const problem = problems.get(index)
    return problem === undefined ? [] : [toRefused(reject, problem)]
  })
  const good = items.filter((_, index) => !problems.has(index))
  return good.length === 0 ? refused : [...refused, ...(await sendJudged(post, { ...request, items: good }))]
}

type Sending = Pick<Item, 'kind' | 'name'> & { items: readonly Item[] }

async function sendJudged(post: PostItems, { items, ...request }: Sending): Promise<RetryResult[]> {
  const answer = await post({ ...request, items: items.map(({ body }) => body), dryRun: false })
  // The gateway was restarted with other definitions since it judged them.
  if ('refused' in answer) return items.map(({ reject }) => toRefused(reject, answer.refused))
  const problems = new Map(answer.rejected.map((problem) => [problem.index, problem]))
  return items.map(({ reject, eventId }, index) => {
    const problem = problems.get(index)
    return problem === undefined ? { reject, outcome: 'accepted', event_id: eventId } : toRefused(reject, problem)
  })
}

function toRefused(reject: RejectWithBytes, problem: { code: string; message: string; path?: string | undefined }): RetryResult {
  const message = problem.path === undefined ? problem.message : `${problem.path}: ${problem.message}`
  return { reject, outcome: 'refused', code: problem.code, message }
}

function parseJson(reject: RejectWithBytes): unknown {
  try {
    return JSON.parse(toRejectPayload(reject).toString())
  } catch {
    return undefined
  }
}
