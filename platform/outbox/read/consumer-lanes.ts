import type { Lane, Origin } from '../../../contracts/origin.ts'
import { listWriters } from '../format/segment-names.ts'
import { type ConsumerLane, createConsumerLane } from './consumer-lane.ts'
import type { LogDamage } from './lane-reader.ts'
import type { Wakeup } from './wakeup.ts'

/** The lanes that a consumer reads, of the writers that have an outbox. Not for concurrent use. */
export type ConsumerLanes = {
  /** Opens those of writers that have appeared, and closes those of writers that are gone. */
  look(): Promise<void>
  all(): ConsumerLane[]
  /** The lane that the record is of, unless its outbox is gone. */
  laneOf(origin: Pick<Origin, 'writer_id' | 'lane'>): ConsumerLane | undefined
  close(): Promise<void>
}

export function createConsumerLanes(options: {
  /** The directory of all outboxes. */
  dir: string
  consumer: string
  lanes: readonly Lane[]
  /** Milliseconds between two looks, unless the directory says that it has changed. */
  scanMs: number
  wakeup: Wakeup
  onDamage: (damage: LogDamage) => void
}): ConsumerLanes {
  const { dir, consumer, lanes, scanMs, wakeup, onDamage } = options
  const open = new Map<string, ConsumerLane>()
  let scannedMs = -Infinity

  wakeup.watch(dir, () => {
    scannedMs = -Infinity
  })

  async function openLane(writerId: string, lane: Lane): Promise<void> {
    const key = `${writerId}/${lane}`
    if (open.has(key)) return
    const created = await createConsumerLane({ dir, writerId, lane, consumer, wakeup, onDamage })
    if (created) open.set(key, created)
  }

  return {
    async look() {
      if (performance.now() - scannedMs < scanMs) return
      scannedMs = performance.now()
      for (const [key, lane] of open) {
        if (await lane.isThere()) continue
        open.delete(key)
        await lane.close()
      }
      for (const writerId of await listWriters(dir)) {
        for (const lane of lanes) await openLane(writerId, lane)
      }
    },
    all: () => [...open.values()],
    laneOf: (origin) => open.get(`${origin.writer_id}/${origin.lane}`),
    async close() {
      for (const lane of open.values()) await lane.close()
      open.clear()
    },
  }
}
