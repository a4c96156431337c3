import type { Deadlines } from '../bounds/deadlines.ts'
import type { AnsweredKey } from './idempotency-store.ts'
import type { KeyCalls } from './key-calls.ts'

const pauseMs = 500

/** Completes a committed key when the store answers again, unless the hold runs out before. Rejects with the store's last error. */
export async function completeUntil(
  deps: { keys: Pick<KeyCalls, 'complete'>; deadlines: Deadlines; tick: () => number },
  { key, untilTick }: { key: AnsweredKey; untilTick: number },
): Promise<void> {
  const { keys, deadlines, tick } = deps
  for (;;) {
    try {
      await keys.complete(key)
      return
    } catch (error) {
      if (tick() + pauseMs > untilTick) throw error
      await new Promise<void>((resolve) => void deadlines.at(tick() + pauseMs, resolve))
    }
  }
}
