import { quantile } from '../logger/statistics.ts'
import type { Answer } from './answer.ts'

/** What became of requests; the times are from when each was due to its last byte, in milliseconds. */
export type Tally = {
  sent: number
  answeredMs: number[]
  /** The times of refusals: 429 or 503, with a `Retry-After`. */
  refusedMs: number[]
  /** How many answers had another status, by that status; 0 where no answer came. */
  others: Map<number, number>
  /** How much later than due each request was sent, which is the generator's own lateness. */
  delaysMs: number[]
}

export function createTally(): Tally {
  return { sent: 0, answeredMs: [], refusedMs: [], others: new Map(), delaysMs: [] }
}

export function countAnswer(tally: Tally, { status, retryAfterSeconds }: Answer, ms: number): void {
  if (status >= 200 && status < 300) tally.answeredMs.push(ms)
  else if ((status === 429 || status === 503) && retryAfterSeconds >= 1) tally.refusedMs.push(ms)
  else tally.others.set(status, (tally.others.get(status) ?? 0) + 1)
}

export function mergeTallies(tallies: readonly Tally[]): Tally {
  const merged = createTally()
  for (const { sent, answeredMs, refusedMs, others, delaysMs } of tallies) {
    merged.sent += sent
    merged.answeredMs = merged.answeredMs.concat(answeredMs)
    merged.refusedMs = merged.refusedMs.concat(refusedMs)
    merged.delaysMs = merged.delaysMs.concat(delaysMs)
    for (const [status, count] of others) merged.others.set(status, (merged.others.get(status) ?? 0) + count)
  }
  return merged
}

/** `failed` counts all that were not answered with a prediction. */
export type LoadPart = { sent: number; failed: number; p50Ms: number; p99Ms: number }

/** Sums a tally up; the latencies are those of all answers, refusals too. */
export function toPart({ sent, answeredMs, refusedMs }: Tally): LoadPart {
  const all = [...answeredMs, ...refusedMs]
  return { sent, failed: sent - answeredMs.length, p50Ms: quantile(all, 0.5), p99Ms: quantile(all, 0.99) }
}
