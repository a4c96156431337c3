import type { Lane, Seal } from '../../../contracts/origin.ts'
import { toTimestamp } from '../../../contracts/primitives.ts'
import type { RecordInput } from './segment-format.ts'

/**
 * The seal at `seq`: it vouches for every record from `unsealedFrom` up to the one before it. Numbering has no gaps
 * and the seal before ended right before `unsealedFrom`, so none of them is a seal and `count` is the whole range.
 */
export function sealRecord(options: {
  writerId: string
  epoch: number
  lane: Lane
  unsealedFrom: number
  seq: number
  nowMs: number
  reason: Seal['reason']
  settledThrough?: number | undefined
}): RecordInput {
  const { writerId, epoch, lane, unsealedFrom, seq, nowMs, reason, settledThrough } = options
  const seal: Seal = {
    schema_version: 1,
    writer_id: writerId,
    epoch,
    lane,
    first_seq: unsealedFrom,
    last_seq: seq - 1,
    count: seq - unsealedFrom,
    sealed_at: toTimestamp(nowMs),
    reason,
  }
  return {
    seq,
    kind: 'seal',
    id: `${writerId}/${lane}/${epoch}/${seq}`,
    appendedAtMs: nowMs,
    settledThrough,
    payload: JSON.stringify(seal),
  }
}
