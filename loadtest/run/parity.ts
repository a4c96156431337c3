import { setTimeout as sleep } from 'node:timers/promises'
import type { Finding, Run } from './scenario.ts'
import { storedRows, type Target } from './target.ts'

const everyMs = 500
/** The longest wait for rows: the logger has caught up long before, unless something is lost. */
const deadlineMs = 180_000

/** Whether the warehouse has a row for each answer, and no others but of requests that failed on their way back. */
export async function checkParity(target: Target, options: { tag: string; runs: readonly Run[] }): Promise<Finding> {
  const sum = (what: keyof Run['counts']) => options.runs.reduce((total, { counts }) => total + counts[what], 0)
  const [answered, refused, sent] = [sum('answered'), sum('refused'), sum('sent')]
  const giveUpAt = performance.now() + deadlineMs
  let stored = await storedRows(target, options.tag)
  while (stored < answered && performance.now() < giveUpAt) {
    await sleep(everyMs)
    stored = await storedRows(target, options.tag)
  }
  return {
    text: `${answered} answered, ${refused} refused of ${sent} predictions; ${stored} rows with tag ${options.tag}`,
    holds: answered > 0 && stored >= answered && stored <= sent - refused,
  }
}
