import { ServiceError } from '../../contracts/errors.ts'
import { lanes, type Origin } from '../../contracts/origin.ts'
import type { RejectRow } from '../../platform/schema/rows/reject-row.ts'

/** What `hindsight rejects retry` last did about a reject; `accepted` and `stored` are final. */
export type RetryState = { outcome: RetryOutcome; at: string; code?: string; message?: string }
export type RetryOutcome = 'accepted' | 'stored' | 'refused'

/** A row of `bronze.rejects`. Its `id` is its origin, `writer/epoch/lane/seq`: the one thing that every record has. */
export type Reject = Pick<RejectRow, 'kind' | 'tenant' | 'name' | 'code' | 'path' | 'message' | 'appended_at'> & {
  id: string
  /** The id the record carries, as label_id or event_id. */
  event_id: string
  retried?: RetryState
}

export type RejectWithBytes = Reject & Pick<RejectRow, 'raw' | 'raw_encoding'>

/** Throws `invalid_request` on what is no reject's id. */
export function parseRejectId(id: string): Origin {
  const [, writer_id = '', epoch, laneName, seq] = /^([^/]+)\/(\d{1,10})\/([a-z_]+)\/(\d{1,16})$/.exec(id) ?? []
  const lane = lanes.find((name) => name === laneName)
  if (lane === undefined)
    throw new ServiceError('invalid_request', `${id} is no reject's id`, { hint: 'write it as `hindsight rejects list` shows it' })
  return { writer_id, epoch: Number(epoch), lane, seq: Number(seq) }
}
