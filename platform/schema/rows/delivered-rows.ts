import type { Origin } from '../../../contracts/origin.ts'
import { toColumnTime } from '../../warehouse/column-time.ts'

export type StoredRecord = { origin: Origin; retentionUntil?: string | undefined }

type DeliveredRow = Omit<Origin, 'seq'> & { first_seq: number; last_seq: number; expires_at: string | null }

const hourMs = 3_600_000

/**
 * Rows of `bronze.delivered`: the records as runs of one writer, epoch and lane, without gaps and expiring in one hour.
 * Made of any part of the log in any order; a record that was delivered twice is there once.
 */
export function toDeliveredRows(records: readonly StoredRecord[]): DeliveredRow[] {
  const runs: DeliveredRow[] = []
  for (const { origin, retentionUntil } of inOrder(records)) {
    const { seq, ...stream } = origin
    const expires_at = retentionUntil === undefined ? null : toColumnTime(Math.floor(Date.parse(retentionUntil) / hourMs) * hourMs)
    const run = runs.at(-1)
    if (run === undefined || !isSameStream(run, stream)) runs.push({ ...stream, first_seq: seq, last_seq: seq, expires_at })
    else if (seq === run.last_seq) continue
    else if (seq === run.last_seq + 1 && run.expires_at === expires_at) run.last_seq = seq
    else runs.push({ ...stream, first_seq: seq, last_seq: seq, expires_at })
  }
  return runs
}

function inOrder(records: readonly StoredRecord[]): StoredRecord[] {
  return records.toSorted(
    ({ origin: a }, { origin: b }) => compare(a.writer_id, b.writer_id) || a.epoch - b.epoch || compare(a.lane, b.lane) || a.seq - b.seq,
  )
}

function isSameStream(one: Omit<Origin, 'seq'>, other: Omit<Origin, 'seq'>): boolean {
  return one.writer_id === other.writer_id && one.epoch === other.epoch && one.lane === other.lane
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
