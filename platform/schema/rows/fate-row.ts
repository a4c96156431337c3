import type { PredictionFate } from '../../../contracts/prediction-fate.ts'
import type { LogRecord } from '../../event-log/event-log.ts'
import { toColumnTime } from '../../warehouse/column-time.ts'
import { toStamp } from './stamp.ts'

/** A row of `bronze.prediction_fates`. */
export type FateRow = ReturnType<typeof toFateRow>

export function toFateRow(fate: PredictionFate, record: LogRecord) {
  return {
    fate_id: fate.fate_id,
    prediction_id: fate.prediction_id,
    tenant: fate.tenant,
    payload_hash: fate.payload_hash,
    fate: fate.fate,
    reason: fate.reason ?? null,
    ingested_at: toColumnTime(fate.ingested_at),
    retention_until: toColumnTime(fate.retention_until),
    ...toStamp(record),
  }
}
