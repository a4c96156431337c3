/** How long making an event durable has been taking, and so what part of a deadline must be kept for it. */
export type CommitTime = {
  seen(elapsedMs: number): void
  /** The part of a budget that nearly every commit fits into: at least a millisecond, and at most a quarter of the budget. */
  reserveMs(budgetMs: number): number
}

/** The weights of a new observation in mean and deviation, and how many deviations are kept: those of TCP's timer (RFC 6298). */
const meanWeight = 1 / 8
const deviationWeight = 1 / 4
const deviations = 4

const leastMs = 1
const mostOfBudget = 1 / 4

export function createCommitTime(): CommitTime {
  let meanMs = 0
  let deviationMs = 0
  return {
    seen(elapsedMs) {
      deviationMs += deviationWeight * (Math.abs(elapsedMs - meanMs) - deviationMs)
      meanMs += meanWeight * (elapsedMs - meanMs)
    },
    reserveMs: (budgetMs) => Math.min(Math.max(leastMs, meanMs + deviations * deviationMs), budgetMs * mostOfBudget),
  }
}
