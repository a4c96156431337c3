import { setTimeout as sleep } from 'node:timers/promises'
import type { IdempotencyStore, KeyPlace } from './idempotency-store.ts'

const pauseMs = 500

/** Completes what is committed when the store answers again, if that is before the hold runs out. Rejects with its last error. */
export async function completeUntil(
  deps: { store: Pick<IdempotencyStore, 'complete'>; now: () => number },
  { place, predictionId, untilMs }: { place: KeyPlace; predictionId: string; untilMs: number },
): Promise<void> {
  for (;;) {
    try {
      await deps.store.complete(place, predictionId)
      return
    } catch (error) {
      if (deps.now() + pauseMs > untilMs) throw error
      await sleep(pauseMs)
    }
  }
}
