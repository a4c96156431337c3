import { setTimeout as wait } from 'node:timers/promises'

/** Looks until the condition holds; throws, naming what was waited for, at the deadline. */
export async function until(what: string, deadlineMs: number, holds: () => Promise<boolean> | boolean): Promise<void> {
  const giveUpAt = performance.now() + deadlineMs
  while (!(await holds())) {
    if (performance.now() > giveUpAt) throw new Error(`not within ${deadlineMs} ms: ${what}`)
    await wait(20)
  }
}
