import type { Origin } from '../../../contracts/origin.ts'
import type { LogRecord } from '../../event-log/event-log.ts'
import { toColumnTime } from '../../warehouse/column-time.ts'
import type { Int64, Stored } from './stored.ts'

/** The columns that every bronze row takes from its record's header: the same at each delivery. */
export function toStamp({ origin, appendedAtMs }: LogRecord) {
  const { writer_id, epoch, lane, seq } = origin
  const appended_at = toColumnTime(Math.min(Math.max(appendedAtMs, earliestMs), latestMs))
  return { writer_id, epoch, lane, seq: seq as Int64, appended_at }
}

// A writer's clock may be anything; rejects must be storable whatever it says.
const earliestMs = Date.UTC(1970, 0, 1)
const latestMs = Date.UTC(2299, 11, 31)

export function toOrigin({ writer_id, epoch, lane, seq }: Stored<Origin & { seq: Int64 }>): Origin {
  return { writer_id, epoch, lane, seq: Number(seq) }
}
