import { ServiceError } from '../../contracts/errors.ts'
import type { Lane, Origin } from '../../contracts/origin.ts'
import type { AppendInput, Durability, EventLogWriter } from '../../platform/event-log/event-log.ts'
import { createSettlement } from '../../platform/outbox/write/settlement.ts'

export type Appended = {
  lane: Lane
  kind: string
  id: string
  body: Record<string, unknown>
  durability: Durability | undefined
  settledThrough: number
}

/** An event log in memory, for tests. `hold()` makes appends wait until `release()`; `break()` makes them fail until `mend()`. */
export function createMemoryEventLog() {
  const appended: Appended[] = []
  const appends: (readonly AppendInput[])[] = []
  const lastSeq = new Map<Lane, number>()
  const settlement = createSettlement()
  let said = 0
  let gate = Promise.resolve()
  let release = () => {}
  let broken = false

  async function append(lane: Lane, records: readonly AppendInput[], options: { durability?: Durability } = {}): Promise<Origin[]> {
    if (broken) throw new ServiceError('outbox_unavailable', 'the disk is full')
    await gate
    appends.push(records)
    return records.map(({ kind, id, payload, awaitsFate }) => {
      const seq = (lastSeq.get(lane) ?? 0) + 1
      lastSeq.set(lane, seq)
      if (awaitsFate === true) settlement.open(seq)
      const settledThrough = settlement.through(seq)
      if (lane === 'predictions') said = settledThrough
      const body = JSON.parse(String(payload)) as Record<string, unknown>
      appended.push({ lane, kind, id, body, durability: options.durability, settledThrough })
      return { writer_id: 'test', epoch: 1, lane, seq }
    })
  }

  const eventLog: EventLogWriter = {
    writerId: 'test',
    epoch: 1,
    append,
    settle: ({ seq }) => (settlement.settle(seq), true),
    settlement(lane) {
      const last = lastSeq.get(lane) ?? 0
      return { through: settlement.through(last), said, last }
    },
    writable: () => !broken,
    status: () => [],
    close: async () => {},
  }
  return {
    eventLog,
    appended,
    /** The records of each append that succeeded. */
    appends: () => appends,
    inLane: (lane: Lane) => appended.filter((record) => record.lane === lane),
    hold: () => void (gate = new Promise((resolve) => (release = resolve))),
    release: () => release(),
    break: () => void (broken = true),
    mend: () => void (broken = false),
  }
}
