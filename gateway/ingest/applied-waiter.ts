import { setTimeout as sleep } from 'node:timers/promises'
import type { Origin } from '../../contracts/origin.ts'
import type { OnlineStore } from '../../platform/online-store/online-store.ts'

/** Pause between two looks at the store: short against a batch of the materializer, long against one look. */
const pollMs = 2

/** Whether the online store has applied these records, as soon as it has; false when `timeoutMs` passes first. */
export function createAppliedWaiter(deps: { store: Pick<OnlineStore, 'applied'>; tick: () => number }) {
  let look: ReturnType<OnlineStore['applied']> | undefined

  /** Waiters that look at the same time share one read. */
  function applied(): ReturnType<OnlineStore['applied']> {
    look ??= deps.store.applied().finally(() => (look = undefined))
    return look
  }

  return async function waitUntilApplied(origins: readonly Origin[], timeoutMs: number): Promise<boolean> {
    const last = origins.at(-1)
    if (last === undefined) return true
    const giveUpAt = deps.tick() + timeoutMs
    for (;;) {
      const positions = await applied()
      const position = positions.find(({ writer_id, epoch }) => writer_id === last.writer_id && epoch === last.epoch)
      if (position !== undefined && position.seq >= last.seq) return true
      if (deps.tick() >= giveUpAt) return false
      await sleep(pollMs)
    }
  }
}

export type AppliedWaiter = ReturnType<typeof createAppliedWaiter>
