import { createAdopter } from '../platform/outbox/write/adopt-outboxes.ts'
import { nodeDisk } from '../platform/outbox/format/outbox-files.ts'
import { brokerConsumers } from '../contracts/lane-consumers.ts'
import { repeat } from '../platform/service/repeat.ts'

/** Looks after outboxes whose writer is gone, without being a writer: seals crashed epochs, frees segments, removes what is empty. */
export function createOutboxKeeper(options: { dir: string; everyMs: number; onFault: (error: unknown) => void }): {
  close(): Promise<void>
} {
  const { dir, everyMs, onFault } = options
  const adopter = createAdopter({
    epochOptions: {
      dir,
      writerId: '',
      segmentBytes: 1024 ** 2,
      maxQueuedBytes: 1024 ** 2,
      disk: nodeDisk,
      now: Date.now,
      onFailure: onFault,
    },
    consumersOf: brokerConsumers,
    everyMs: 0,
  })
  const stopping = new AbortController()
  const looking = repeat(() => adopter.look(), { everyMs, firstAfterMs: everyMs, signal: stopping.signal, onFault })
  return {
    async close() {
      stopping.abort()
      await looking
    },
  }
}
