import { setTimeout as sleep } from 'node:timers/promises'

/** Looks again and again until it holds; throws after the deadline, saying what did not come. */
export async function until(
  what: string,
  { holds, everyMs, deadlineMs }: { holds: () => Promise<boolean>; everyMs: number; deadlineMs: number },
): Promise<void> {
  const end = performance.now() + deadlineMs
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`${what}: not after ${Math.round(deadlineMs / 1000)} s`)
    await sleep(everyMs)
  }
}
