import { ServiceError } from '../../contracts/errors.ts'
import type { Lane, Origin } from '../../contracts/origin.ts'
import type { AppendInput, Durability, EventLogWriter } from '../../platform/event-log/event-log.ts'

export type Appended = { lane: Lane; kind: string; id: string; body: Record<string, unknown>; durability: Durability | undefined }

/** An event log in memory, for tests. `hold()` makes appends wait until `release()`; `break()` makes them fail until `mend()`. */
export function createMemoryEventLog() {
  const appended: Appended[] = []
  const lastSeq = new Map<Lane, number>()
  let gate = Promise.resolve()
  let release = () => {}
  let broken = false

  async function append(lane: Lane, records: readonly AppendInput[], options: { durability?: Durability } = {}): Promise<Origin[]> {
    if (broken) throw new ServiceError('outbox_unavailable', 'the disk is full')
    await gate
    return records.map(({ kind, id, payload }) => {
      const seq = (lastSeq.get(lane) ?? 0) + 1
      lastSeq.set(lane, seq)
      appended.push({ lane, kind, id, body: JSON.parse(String(payload)) as Record<string, unknown>, durability: options.durability })
      return { writer_id: 'test', epoch: 1, lane, seq }
    })
  }

  const eventLog: EventLogWriter = {
    writerId: 'test',
    epoch: 1,
    append,
    writable: () => !broken,
    status: () => [],
    close: async () => {},
  }
  return {
    eventLog,
    appended,
    inLane: (lane: Lane) => appended.filter((record) => record.lane === lane),
    hold: () => void (gate = new Promise((resolve) => (release = resolve))),
    release: () => release(),
    break: () => void (broken = true),
    mend: () => void (broken = false),
  }
}
