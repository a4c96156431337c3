import { type Estimate, normalQuantile, undefinedEstimate } from './estimate.ts'
import { momentsOf } from './mean.ts'
import { countPositives, orderByScore, type Scored } from './scored.ts'

/**
 * Area under the ROC curve, ties counting half, with DeLong's interval (DeLong, DeLong and Clarke-Pearson 1988, by
 * the midranks of Sun and Xu 2014), cut to 0..1. Undefined with one class, and with a score that is NaN. There is no
 * interval where a class has one row, and none where no row is out of order: its variance would be 0.
 *
 * @example
 * ```ts
 * import { rocAuc } from './roc-auc.ts'
 *
 * rocAuc({ scores: Float64Array.of(0.1, 0.4, 0.35, 0.8), outcomes: Uint8Array.of(0, 0, 1, 1) }).value // => 0.75
 * ```
 */
export function rocAuc({ scores, outcomes }: Scored): Estimate {
  const n = scores.length
  const positives = countPositives(outcomes)
  const negatives = n - positives
  if (positives === 0 || negatives === 0 || scores.some(Number.isNaN)) return undefinedEstimate(n)
  const all = midranks(scores)
  const placements = placementsOf({ scores, outcomes }, all)
  const value = momentsOf(placements.ofPositives).mean
  if (positives === 1 || negatives === 1) return { value, n, method: 'none' }
  const variance = momentsOf(placements.ofPositives).variance / positives + momentsOf(placements.ofNegatives).variance / negatives
  if (variance === 0) return { value, n, method: 'too_near_the_limit' }
  const half = normalQuantile * Math.sqrt(variance)
  return { value, lower: Math.max(0, value - half), upper: Math.min(1, value + half), n, method: 'delong' }
}

/**
 * For each positive the share of negatives below it, for each negative the share of positives above it: its rank
 * among all less its rank within its own class counts the others below.
 */
function placementsOf({ scores, outcomes }: Scored, all: Float64Array): { ofPositives: Float64Array; ofNegatives: Float64Array } {
  const rows = { 0: [] as number[], 1: [] as number[] }
  for (const [row, outcome] of outcomes.entries()) rows[outcome === 1 ? 1 : 0].push(row)
  const belowOthers = (own: readonly number[]) => {
    const within = midranks(Float64Array.from(own, (row) => scores[row] ?? 0))
    return Float64Array.from(own, (row, position) => (all[row] ?? 0) - (within[position] ?? 0))
  }
  return {
    ofPositives: belowOthers(rows[1]).map((below) => below / rows[0].length),
    ofNegatives: belowOthers(rows[0]).map((below) => 1 - below / rows[1].length),
  }
}

/** Ranks from 1; equal values share the mean of theirs. */
export function midranks(values: Float64Array): Float64Array {
  const order = orderByScore(values)
  const ranks = new Float64Array(values.length)
  for (let start = 0; start < order.length;) {
    let end = start + 1
    while (end < order.length && values[order[end] ?? 0] === values[order[start] ?? 0]) end++
    for (let position = start; position < end; position++) ranks[order[position] ?? 0] = (start + end + 1) / 2
    start = end
  }
  return ranks
}
