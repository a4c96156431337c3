import { toColumnTime } from '../../warehouse/column-time.ts'
import type { LogRecord } from '../../event-log/event-log.ts'

/** A row and the bronze table it belongs to. */
export type TableRow = { table: BronzeTable; row: object }

/** In the order in which a batch is stored: an event after its payload, and last, that all of it was. */
export const bronzeTables = [
  'bronze.prediction_payloads',
  'bronze.label_payloads',
  'bronze.feature_payloads',
  'bronze.prediction_events',
  'bronze.label_events',
  'bronze.feature_events',
  'bronze.prediction_fates',
  'bronze.rejects',
  'bronze.seals',
  'bronze.settled',
  'bronze.delivered',
] as BronzeTable[]

export type BronzeTable =
  | 'bronze.prediction_events'
  | 'bronze.label_events'
  | 'bronze.feature_events'
  | 'bronze.prediction_payloads'
  | 'bronze.label_payloads'
  | 'bronze.feature_payloads'
  | 'bronze.prediction_fates'
  | 'bronze.rejects'
  | 'bronze.seals'
  | 'bronze.settled'
  | 'bronze.delivered'

/** The columns that every bronze row takes from its record's header: the same at each delivery. */
export function toStamp({ origin, appendedAtMs }: LogRecord) {
  const { writer_id, epoch, lane, seq } = origin
  return { writer_id, epoch, lane, seq, appended_at: toColumnTime(Math.min(Math.max(appendedAtMs, earliestMs), latestMs)) }
}

// A writer's clock may be anything; rejects must be storable whatever it says.
const earliestMs = Date.UTC(1970, 0, 1)
const latestMs = Date.UTC(2299, 11, 31)
