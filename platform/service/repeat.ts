import { pause } from './pause.ts'

export type RepeatOptions = {
  /** Milliseconds from the end of one run to the start of the next; a function is asked after each run. */
  everyMs: number | (() => number)
  /** Milliseconds before the first run. Default 0. */
  firstAfterMs?: number
  /** Ends the wait; a run that is under way finishes, and no other begins. */
  signal: AbortSignal
  /** Told of what a run throws: the next run comes all the same. */
  onFault: (error: unknown) => void
}

/**
 * Runs a task on a schedule until the signal aborts; resolves when no run is under way any more. Runs never overlap, and waiting
 * for the next one keeps no process alive.
 *
 * @example
 * ```ts
 * import { repeat } from './repeat.ts'
 *
 * const stopping = new AbortController()
 * let sweeps = 0
 * const sweeping = repeat(async () => (sweeps += 1), { everyMs: 60_000, signal: stopping.signal, onFault: console.error })
 * stopping.abort()
 * await sweeping
 * sweeps // => 1
 * ```
 */
export async function repeat(task: () => Promise<unknown>, options: RepeatOptions): Promise<void> {
  const { everyMs, firstAfterMs = 0, signal, onFault } = options
  const wait = (ms: number) => pause(ms, signal, { ref: false })
  if (firstAfterMs > 0) await wait(firstAfterMs)
  while (!signal.aborted) {
    await task().catch(onFault)
    await wait(typeof everyMs === 'number' ? everyMs : everyMs())
  }
}
