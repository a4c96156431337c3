import { setTimeout as sleep } from 'node:timers/promises'
import { ServiceError } from '../../contracts/errors.ts'
import type { AppliedPosition, Origin } from '../../contracts/origin.ts'
import type { OnlineStore } from '../../platform/online-store/online-store.ts'
import type { Phase } from '../http/closing.ts'

/** Pause between two looks at the store: short against a batch of the materializer, long against one look. */
const pollMs = 5

type Deps = { store: Pick<OnlineStore, 'applied'>; tick: () => number; closing: { readonly phase: Phase } }

/**
 * Whether the online store has applied these records, as soon as it has; false when `timeoutMs` passes or the gateway
 * closes first. A store that does not answer has not applied them: they are in the log, and it will.
 */
export function createAppliedWaiter(deps: Deps) {
  let look: ReturnType<OnlineStore['applied']> | undefined

  /** Waiters that look at the same time share one read. */
  function applied(): ReturnType<OnlineStore['applied']> {
    look ??= deps.store
      .applied()
      .catch(orNothing)
      .finally(() => (look = undefined))
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
      if (deps.tick() >= giveUpAt || deps.closing.phase === 'closing') return false
      await sleep(pollMs)
    }
  }
}

function orNothing(error: unknown): AppliedPosition[] {
  if (error instanceof ServiceError && error.code === 'online_store_unavailable') return []
  throw error
}

export type AppliedWaiter = ReturnType<typeof createAppliedWaiter>
