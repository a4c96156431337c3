import type { FeatureEvent } from '../../../contracts/feature-event.ts'
import type { LogRecord } from '../../event-log/event-log.ts'
import { toScalarMaps } from './scalar-maps.ts'
import { toColumnTime } from '../../warehouse/column-time.ts'
import { toStamp } from './stamp.ts'

/** A row of `bronze.feature_events`. */
export function toFeatureEventRow(event: FeatureEvent, record: LogRecord): object {
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
