import type { FeatureEvent } from '../../../contracts/feature-event.ts'
import type { LogRecord } from '../../event-log/event-log.ts'
import { toScalarMaps } from './scalar-maps.ts'
import { fromColumnTime, toColumnTime } from '../../warehouse/column-time.ts'
import { toStamp } from './stamp.ts'
import { type Stored, toEvent } from './stored.ts'

/** A row of `bronze.feature_events`. */
export type FeatureEventRow = ReturnType<typeof toFeatureEventRow>

export function toFeatureEventRow(event: FeatureEvent, record: LogRecord) {
  const { event_id, tenant, payload_hash, source, keys } = event
  const values = toScalarMaps(Object.entries(event.values))
  return {
    event_id,
    tenant,
    payload_hash,
    source,
    keys,
    values_number: values.numbers,
    values_text: values.texts,
    event_time: toColumnTime(event.event_time),
    known_at: toColumnTime(event.known_at),
    ingested_at: toColumnTime(event.ingested_at),
    retracts: event.retracts ?? null,
    ...toStamp(record),
  }
}

/** The columns that make an event and its origin, for a SELECT. Many are read at once, so there are no others. */
export const featureEventColumns = `event_id, tenant, payload_hash, source, keys, values_number, values_text, event_time, known_at,
  ingested_at, retracts, writer_id, epoch, lane, seq`

export type StoredFeatureEvent = Omit<Stored<FeatureEventRow>, 'appended_at'>

/** The event of a row, whose booleans are the numbers 0 and 1. */
export function toFeatureEvent(row: StoredFeatureEvent): FeatureEvent {
  return toEvent<FeatureEvent>({
    schema_version: 1,
    event_id: row.event_id,
    tenant: row.tenant,
    payload_hash: row.payload_hash,
    source: row.source,
    keys: row.keys,
    values: { ...row.values_number, ...row.values_text },
    event_time: fromColumnTime(row.event_time),
    known_at: fromColumnTime(row.known_at),
    ingested_at: fromColumnTime(row.ingested_at),
    retracts: row.retracts,
  })
}
