import { v5 as uuidv5 } from 'uuid'
import { sha256Hex } from '../../contracts/canonical-json.ts'
import { errorCodes, ServiceError } from '../../contracts/errors.ts'
import type { RejectedItem } from '../../contracts/feature-event.ts'
import { type AcceptedResponse, limits } from '../../contracts/http.ts'
import type { LabelEvent, LabelFields } from '../../contracts/label-event.ts'
import { toTimestamp } from '../../contracts/primitives.ts'
import type { EventLogWriter } from '../../platform/event-log/event-log.ts'
import { parseJson } from '../../platform/json/parse-json.ts'
import { bodyTooLarge } from '../http/body-errors.ts'
import { toErrorBody } from '../http/errors.ts'
import { decodeUtf8 } from '../http/json-body.ts'
import type { CommitAs, Idempotency, Kept } from '../idempotency/idempotency.ts'
import { labelKeyPlace, type StoredAnswer } from '../idempotency/idempotency-store.ts'
import type { Ingest, ItemKind } from '../ingest/ingest.ts'
import { type Items, parseItems } from '../ingest/items.ts'
import { labelItem, refuseConflict } from '../ingest/labels.ts'
import type { LabelMessage } from './label-message.ts'
import type { Turn } from './turns.ts'

/** What a message is answered: the status and body that a request with its body would have had. */
export type MessageAnswer = { status: number; body: Uint8Array; replayed: boolean }

/** The points that messages pass in the order in which they came: the time of receipt, and the place in the outbox. */
export type MessageTurns = { stamp: Turn; append: Turn }

export type AnswerDeps = {
  idempotency: Idempotency
  ingest: Ingest
  kind: ItemKind<LabelFields, LabelEvent>
  eventLog: Pick<EventLogWriter, 'append'>
  now: () => number
  /** Monotonic milliseconds. */
  tick: () => number
}

export type MessageAnswers = {
  /** Answers a message as a request with its body is answered. Throws what a later delivery may not meet. */
  answer(message: LabelMessage, turns: MessageTurns): Promise<MessageAnswer>
  /** Keeps a message that failed at every delivery as a reject. */
  giveUp(message: LabelMessage): Promise<MessageAnswer>
}

/** Namespace of the ids that are made from a message's key and body: when it comes again they are the same. */
const messageNamespace = '6c1f7a52-3f0e-5b0e-9a55-7a3d0f2f5c31'
/** Rejects of messages whose subject names no tenant are kept under this one. */
const ownTenant = 'default'
/** How long a message waits for the store of keys. */
const answerWithinMs = 10_000
const statusHeader = 'Hindsight-Status'
const unnamed = 'unknown'

/**
 * Answers messages of labels like requests, once under each key. What is no label, and another body under a key that was answered, is
 * refused and kept as a reject.
 */
export function createMessageAnswers(deps: AnswerDeps): MessageAnswers {
  const { idempotency, ingest, kind, eventLog, now, tick } = deps

  async function once(message: LabelMessage, key: string, compute: Compute): Promise<MessageAnswer> {
    const { tenant = ownTenant, body } = message
    const fingerprint = sha256Hex(body)
    const ids = { key, answerId: uuidv5(`${tenant}/${key}/${fingerprint}`, messageNamespace) }
    const request = { place: labelKeyPlace(tenant, key), fingerprint, answerByTick: tick() + answerWithinMs }
    const { answer, replayed } = await idempotency.once(request, (_, commitAs) => compute(commitAs, ids))
    return { status: Number(answer.headers[statusHeader]), body: answer.body, replayed }
  }

  async function take(message: LabelMessage, items: Items<LabelFields>, turns: MessageTurns): Promise<MessageAnswer> {
    const { tenant = ownTenant, key } = message
    if (items.dryRun) return { ...toAnswer(items, (await ingest(kind, items, tenant)).response, message.ownKey), replayed: false }
    return once(message, key, async (commitAs, { answerId }) => {
      await turns.stamp.reached()
      const ingesting = ingest(kind, items, tenant, {
        idOf: (index) => uuidv5(String(index), answerId),
        mark: { idempotency_key: key, answer_id: answerId },
        commit: (response, write) => commitAs(toKept(toAnswer(items, response, answerId), answerId), () => inTurn(turns.append, write)),
      })
      turns.stamp.pass()
      await ingesting
    })
  }

  function refuse(message: LabelMessage, key: string, error: ServiceError): Promise<MessageAnswer> {
    return once(message, key, async (commitAs, { answerId }) => {
      const { tenant = ownTenant } = message
      const rejected: RejectedItem = {
        schema_version: 1,
        tenant,
        ...toRejected(message.body, error),
        ingested_at: toTimestamp(now()),
        idempotency_key: key,
        answer_id: answerId,
      }
      const record = { kind: 'reject' as const, id: answerId, payload: JSON.stringify(rejected) }
      await commitAs(toKept(toErrorAnswer(error, answerId), answerId), () => eventLog.append('labels', [record]))
    })
  }

  return {
    async answer(message, turns) {
      try {
        const items = read(message)
        if (items instanceof ServiceError) return await refuse(message, message.key, items)
        return await take(message, items, turns)
      } catch (error) {
        if (!(error instanceof ServiceError) || !isFinal(error)) throw error
        // What the key's answer is not for is refused under the key that the message alone has.
        return await refuse(message, `refused:${message.ownKey}`, error)
      }
    },
    giveUp: (message) => refuse(message, `failed:${message.ownKey}`, new ServiceError('internal', 'the message failed at every delivery')),
  }
}

type Compute = (commitAs: CommitAs, ids: { key: string; answerId: string }) => Promise<unknown>

function isFinal({ code, retryable }: ServiceError): boolean {
  return !retryable && errorCodes[code].status < 500
}

async function inTurn<T>(turn: Turn, act: () => Promise<T>): Promise<T> {
  await turn.reached()
  const acting = act()
  turn.pass()
  return acting
}

/** A message's labels, or why there are none. */
function read({ subject, tenant, body }: LabelMessage): Items<LabelFields> | ServiceError {
  try {
    if (tenant === undefined) throw new ServiceError('invalid_request', `the subject ${subject} names no tenant`, { path: 'tenant' })
    if (body.byteLength > limits.bodyBytes) throw bodyTooLarge(limits.bodyBytes)
    return parseItems(labelItem, { field: 'labels', body: parseJson(decodeUtf8(body)) })
  } catch (error) {
    if (error instanceof ServiceError) return error
    throw error
  }
}

type Answered = { status: number; body: Uint8Array }

function toAnswer(items: Items<LabelFields>, response: AcceptedResponse, requestId: string): Answered {
  try {
    refuseConflict(items, response)
    return { status: 202, body: Buffer.from(JSON.stringify(response)) }
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    return toErrorAnswer(error, requestId)
  }
}

function toErrorAnswer(error: ServiceError, requestId: string): Answered {
  return { status: errorCodes[error.code].status, body: Buffer.from(JSON.stringify(toErrorBody(error, requestId))) }
}

function toKept({ status, body }: Answered, answerId: string): Kept {
  const answer: StoredAnswer = { headers: { [statusHeader]: String(status) }, body }
  return { answer, predictionId: answerId, predictions: { ids: [], retentionUntil: '' } }
}

type Refused = Pick<RejectedItem, 'kind' | 'name' | 'code' | 'path' | 'message' | 'item'>

/** A body that is refused whole: as JSON where it is, else as its text, or in base64 where it is none, cut at the size of a request. */
function toRejected(body: Uint8Array, { code, path, message }: ServiceError): Refused {
  const item = itemOf(body.subarray(0, limits.bodyBytes))
  return { kind: 'label', name: nameOf(item), code, ...(path !== undefined && { path }), message, item }
}

function itemOf(body: Uint8Array): unknown {
  let text: string
  try {
    text = decodeUtf8(body)
  } catch {
    return Buffer.from(body).toString('base64')
  }
  try {
    return parseJson(text)
  } catch {
    return text
  }
}

function nameOf(item: unknown): string {
  const label = typeof item === 'object' && item !== null && 'label' in item ? item.label : undefined
  return typeof label === 'string' && label !== '' ? label.slice(0, 64) : unnamed
}
