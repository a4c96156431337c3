import type { SessionPool } from './session-pool.ts'

export type Taken<Slot> = { pool: SessionPool<Slot>; slot: Slot }

/**
 * Waits in several pools at once and takes the session that comes free first; of sessions that are free already, the one of the pool that is
 * named first. Throws what the pool said that refused last, when all have.
 */
export async function takeFirst<Slot>(pools: readonly SessionPool<Slot>[], signal: AbortSignal): Promise<Taken<Slot>> {
  const free = pools.find((pool) => pool.hasFree())
  if (free !== undefined) return { pool: free, slot: await free.take(signal) }
  const decided = new AbortController()
  const undecided = AbortSignal.any([signal, decided.signal])
  let refusal: unknown
  const attempts = pools.map(async (pool): Promise<Taken<Slot>> => {
    try {
      return { pool, slot: await pool.take(undecided) }
    } catch (error) {
      refusal = error
      throw error
    }
  })
  try {
    const first = await Promise.any(attempts)
    decided.abort()
    // Another may have come free at the same moment.
    for (const attempt of attempts)
      attempt.then(
        (taken) => taken !== first && taken.pool.give(taken.slot),
        () => undefined,
      )
    return first
  } catch {
    throw refusal
  }
}
