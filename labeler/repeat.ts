import { setTimeout as sleep } from 'node:timers/promises'

export type Repeating = {
  /** Lets a run that is under way finish, and starts no other. */
  stop(): Promise<void>
}

/** Runs the task again and again, `intervalMs` after the end of the last run. The task deals with its own errors. */
export function repeat(task: (signal: AbortSignal) => Promise<void>, intervalMs: number): Repeating {
  const abort = new AbortController()
  const finished = run(task, { intervalMs, signal: abort.signal })
  return {
    async stop() {
      abort.abort()
      await finished
    },
  }
}

async function run(task: (signal: AbortSignal) => Promise<void>, options: { intervalMs: number; signal: AbortSignal }): Promise<void> {
  const { intervalMs, signal } = options
  while (!signal.aborted) {
    await task(signal)
    await sleep(intervalMs, undefined, { signal }).catch(() => {})
  }
}
