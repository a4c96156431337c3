import { ServiceError } from '../../contracts/errors.ts'
import { lanes } from '../../contracts/origin.ts'
import type { LogRecordKind } from '../../platform/event-log/event-log.ts'

/** What `hindsight rejects retry` last did about a reject; `accepted` and `stored` are final. */
export type RetryState = { outcome: RetryOutcome; at: string; code?: string; message?: string }
export type RetryOutcome = 'accepted' | 'stored' | 'refused'

/** A row of `bronze.rejects`. Its `id` is its origin, `writer/epoch/lane/seq`: the one thing that every record has. */
export type Reject = {
  id: string
  kind: LogRecordKind
  tenant: string
  /** The id the record carries, as label_id or event_id. */
  event_id: string
  name: string
  code: string
  path: string
  message: string
  appended_at: string
  retried?: RetryState
}

export type RejectWithBytes = Reject & { raw: string; raw_encoding: 'utf8' | 'base64' }

export type RejectOrigin = { writer_id: string; epoch: number; lane: (typeof lanes)[number]; seq: number }

/** Throws `invalid_request` on what is no reject's id. */
export function parseRejectId(id: string): RejectOrigin {
  const [, writer_id = '', epoch, laneName, seq] = /^([^/]+)\/(\d{1,10})\/([a-z_]+)\/(\d{1,16})$/.exec(id) ?? []
  const lane = lanes.find((name) => name === laneName)
  if (lane === undefined)
    throw new ServiceError('invalid_request', `${id} is no reject's id`, { hint: 'write it as `hindsight rejects list` shows it' })
  return { writer_id, epoch: Number(epoch), lane, seq: Number(seq) }
}

/** The record's payload as the outbox held it. */
export function bytesOf({ raw, raw_encoding }: Pick<RejectWithBytes, 'raw' | 'raw_encoding'>): Buffer {
  return Buffer.from(raw, raw_encoding)
}
