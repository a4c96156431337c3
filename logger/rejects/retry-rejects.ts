import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import { readRejects } from './find-rejects.ts'
import type { PostItems } from './gateway-items.ts'
import { parseRejectId, type RejectWithBytes } from './reject.ts'
import { type Item, type RetryResult, sendItems, toItem } from './send-items.ts'
import { storeRecords } from './store-records.ts'

export type RetryLine = { id: string; outcome: RetryResult['outcome'] | 'already_settled'; code?: string; message?: string }

export type RetryReport = { accepted: number; stored: number; refused: number; already_settled: number; results: RetryLine[] }

/** How many rejects are in memory at once. */
const pageSize = 500
/** The most bytes of one request, below the gateway's limit of 256 KiB whatever an item is wrapped in. */
const maxRequestBytes = 128 * 1024

/**
 * Tries these rejects again: a client's item through the gateway, a record of the log with this build's decoder. What was
 * settled before is left alone. Each page is recorded as soon as it is done, so that an interrupted retry can go on.
 */
export async function retryRejects(
  deps: { warehouse: Pick<Warehouse, 'query' | 'insert'>; post: PostItems },
  ids: readonly string[],
): Promise<RetryReport> {
  const lines: RetryLine[] = []
  for (let from = 0; from < ids.length; from += pageSize) {
    const rejects = await readRejects(deps.warehouse, [...new Set(ids.slice(from, from + pageSize))])
    const open = rejects.filter(({ retried }) => retried === undefined || retried.outcome === 'refused')
    for (const { id } of rejects.filter((reject) => !open.includes(reject))) lines.push({ id, outcome: 'already_settled' })
    for (const work of plan(deps, open)) {
      const results = await work()
      await recordResults(deps.warehouse, results)
      lines.push(...results.map(toLine))
    }
  }
  const count = (outcome: RetryLine['outcome']) => lines.filter((line) => line.outcome === outcome).length
  const counts = { accepted: count('accepted'), stored: count('stored'), refused: count('refused') }
  return { ...counts, already_settled: count('already_settled'), results: lines }
}

type Work = () => Promise<RetryResult[]>

function plan({ warehouse, post }: Parameters<typeof retryRejects>[0], rejects: readonly RejectWithBytes[]): Work[] {
  const items: Item[] = []
  const empty: RejectWithBytes[] = []
  for (const reject of rejects.filter(({ kind }) => kind === 'reject')) {
    const item = toItem(reject)
    if (item === undefined) empty.push(reject)
    else items.push(item)
  }
  const records = rejects.filter(({ kind }) => kind !== 'reject')
  return [
    async () => empty.map((reject) => ({ reject, outcome: 'refused', code: 'invalid_event', message: 'the reject holds no item' })),
    () => storeRecords(warehouse, records),
    ...toRequests(items).map((request) => () => sendItems(post, request)),
  ]
}

/** Items of one kind and name together, as many as one request takes. */
function toRequests(items: readonly Item[]): Item[][] {
  const requests: { key: string; bytes: number; items: Item[] }[] = []
  for (const item of items) {
    const [key, bytes] = [`${item.kind}/${item.name}`, Buffer.byteLength(JSON.stringify(item.body))]
    const open = requests.findLast((request) => request.key === key)
    if (open !== undefined && open.bytes + bytes <= maxRequestBytes) {
      open.items.push(item)
      open.bytes += bytes
    } else requests.push({ key, bytes, items: [item] })
  }
  return requests.map((request) => request.items)
}

async function recordResults(warehouse: Pick<Warehouse, 'insert'>, results: readonly RetryResult[]): Promise<void> {
  const rows = results.map(({ reject, outcome, event_id = '', code = '', message = '' }) => ({
    ...parseRejectId(reject.id),
    outcome,
    event_id,
    code,
    message: Buffer.from(message.slice(0, 2_000)).toString(),
  }))
  await warehouse.insert('hindsight.reject_retries', rows)
}

function toLine({ reject, outcome, code, message }: RetryResult): RetryLine {
  return { id: reject.id, outcome, ...(code !== undefined && { code }), ...(message !== undefined && { message }) }
}
