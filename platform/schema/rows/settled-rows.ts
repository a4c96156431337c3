import type { Origin } from '../../../contracts/origin.ts'
import type { LogRecord } from '../../event-log/event-log.ts'

type SettledRow = Omit<Origin, 'seq'> & { settled_through: number }

/** Rows of `bronze.settled`: for each writer, epoch and lane the greatest `settledThrough` of the records. */
export function toSettledRows(records: readonly Pick<LogRecord, 'origin' | 'settledThrough'>[]): SettledRow[] {
  const rows = new Map<string, SettledRow>()
  for (const { origin, settledThrough } of records) {
    if (settledThrough === undefined || settledThrough === 0) continue
    const { writer_id, epoch, lane } = origin
    const key = `${epoch}/${lane}/${writer_id}`
    const row = rows.get(key)
    if (row === undefined) rows.set(key, { writer_id, epoch, lane, settled_through: settledThrough })
    else row.settled_through = Math.max(row.settled_through, settledThrough)
  }
  return [...rows.values()]
}
