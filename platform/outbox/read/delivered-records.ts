import { ServiceError } from '../../../contracts/errors.ts'
import type { LogPosition } from '../format/slot-file.ts'

/** `position` is behind the record, which takes `bytes` in its segment. */
export type DeliveredRecord = { position: LogPosition; bytes: number; appendedAtMs: number }

/** The records of one lane that a consumer was given and has not seen off: finds out how far the confirmed ones reach without a gap. */
export type DeliveredRecords = {
  /** Adds records in the order of delivery. */
  add(record: DeliveredRecord): void
  /** @throws ServiceError `internal` for a record that was never delivered. */
  confirm(epoch: number, seq: number): void
  /** The position behind the last record before which everything delivered is confirmed. */
  confirmedThrough(): LogPosition | undefined
  oldestUnconfirmed(): DeliveredRecord | undefined
  /** Finds a record; undefined for one that was never delivered, or is behind the point up to which all are confirmed. */
  find(epoch: number, seq: number): DeliveredRecord | undefined
}

export function createDeliveredRecords(start: LogPosition | undefined): DeliveredRecords {
  let records: (DeliveredRecord & { confirmed: boolean })[] = []
  let head = 0
  let through = start
  // Batches come back in the order of delivery, so the next record is nearly always the one behind the last found.
  let expected = 0

  function indexOf(epoch: number, seq: number): number {
    const guess = records[expected]?.position
    if (expected >= head && guess?.epoch === epoch && guess.seq === seq) return expected
    let [low, high] = [head, records.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (isBefore((records[middle] as DeliveredRecord).position, epoch, seq)) low = middle + 1
      else high = middle
    }
    const position = records[low]?.position
    return position?.epoch === epoch && position.seq === seq ? low : -1
  }

  function advance(): void {
    for (let next = records[head]; next?.confirmed; next = records[head]) {
      through = next.position
      head += 1
    }
    if (head < 4096 || head < records.length / 2) return
    records = records.slice(head)
    expected = Math.max(0, expected - head)
    head = 0
  }

  return {
    add(record) {
      records.push({ ...record, confirmed: false })
    },
    confirm(epoch, seq) {
      if (through && !isBefore(through, epoch, seq)) return
      const index = indexOf(epoch, seq)
      const record = records[index]
      if (record === undefined) throw new ServiceError('internal', `Record ${epoch}/${seq} was confirmed but never delivered.`)
      record.confirmed = true
      expected = index + 1
      advance()
    },
    confirmedThrough: () => through,
    oldestUnconfirmed: () => records[head],
    find: (epoch, seq) => records[indexOf(epoch, seq)],
  }
}

function isBefore(position: LogPosition, epoch: number, seq: number): boolean {
  return position.epoch < epoch || (position.epoch === epoch && position.seq < seq)
}
