import { createAdopter } from '../platform/outbox/write/adopt-outboxes.ts'
import { nodeDisk } from '../platform/outbox/format/outbox-files.ts'
import { brokerConsumers } from '../contracts/lane-consumers.ts'

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
  let looking: Promise<void> | undefined
  const timer = setInterval(() => {
    looking ??= adopter
      .look()
      .catch(onFault)
      .finally(() => (looking = undefined))
  }, everyMs).unref()
  return {
    async close() {
      clearInterval(timer)
      await looking
    },
  }
}
