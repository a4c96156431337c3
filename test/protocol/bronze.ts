import type { Lane } from '../../contracts/origin.ts'
import { keyOf, type OutboxRecord } from './outbox.ts'

/** The records that the loggers have stored. */
export type Bronze = {
  insert(record: OutboxRecord): void
  /** Whether the record is stored, as an event or as a reject. */
  has(key: string): boolean
  /** Every row that a reader sees, rejects and seals included. */
  rows(): OutboxRecord[]
  /** The records of a writer's epoch in one lane with `seq` from `from` to `to`, or undefined while one is missing. */
  range(place: { writerId: string; epoch: number; lane: Lane }, from: number, to: number): OutboxRecord[] | undefined
  /** The positions up to which each writer's epoch in one lane is stored without a gap. */
  completePositions(lane: Lane): { writerId: string; epoch: number; seq: number }[]
}

/** Creates bronze. `replacing`: rows of one sort key, which ends in id and origin, are one row. `plain`: they are not. */
export function createBronze(engine: 'replacing' | 'plain'): Bronze {
  const rows = new Map<string, OutboxRecord>()
  const stored = new Map<string, OutboxRecord>()

  return {
    insert(record) {
      const key = keyOf(record.origin)
      const sortKey = `${record.id} ${key}`
      rows.set(engine === 'replacing' ? sortKey : `${sortKey} ${rows.size}`, record)
      stored.set(key, record)
    },
    has: (key) => stored.has(key),
    rows: () => [...rows.values()],
    range({ writerId, epoch, lane }, from, to) {
      const found: OutboxRecord[] = []
      for (let seq = from; seq <= to; seq += 1) {
        const record = stored.get(keyOf({ writer_id: writerId, epoch, lane, seq }))
        if (record === undefined) return undefined
        found.push(record)
      }
      return found
    },
    completePositions(lane) {
      const firsts = [...stored.values()].filter(({ origin }) => origin.lane === lane && origin.seq === 1)
      return firsts.map(({ origin }) => {
        let seq = 1
        while (stored.has(keyOf({ ...origin, seq: seq + 1 }))) seq += 1
        return { writerId: origin.writer_id, epoch: origin.epoch, seq }
      })
    },
  }
}
