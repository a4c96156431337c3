import { sha256Hex } from '../../../contracts/canonical-json.ts'
import type { Seal } from '../../../contracts/origin.ts'
import type { LogRecord } from '../../event-log/event-log.ts'
import { toColumnTime } from '../../warehouse/column-time.ts'
import { toStamp } from './stamp.ts'

/** A row of `bronze.seals`. */
export type SealRow = ReturnType<typeof toSealRow>

export function toSealRow(seal: Seal, record: LogRecord) {
  const { first_seq, last_seq, count, reason } = seal
  return {
    first_seq,
    last_seq,
    count,
    sealed_at: toColumnTime(seal.sealed_at),
    reason,
    payload_hash: sha256Hex(record.payload),
    ...toStamp(record),
  }
}
