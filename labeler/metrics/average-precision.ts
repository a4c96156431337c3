import { type Estimate, undefinedEstimate } from './estimate.ts'
import { intervalOf, leastClusters, scales } from './interval.ts'
import type { BinarySample } from './sample.ts'
import { tiedBlocks } from './tied-blocks.ts'

/** The least clusters · value · (1 - value) of an interval: below it the logit is so steep that the interval is nearly all of 0 to 1. */
const leastInformation = 1

/**
 * Area under the precision-recall curve as average precision: Σ (Rₖ - Rₖ₋₁) Pₖ over distinct thresholds, weighted. Its interval is on
 * the logit scale around the value less what each positive adds to the precision at its own score, by which the value is too large; there
 * is none where the clusters that hold positives, times value · (1 - value), are under 1. Undefined without
 * positives, and with a score that is NaN.
 */
export function averagePrecision(sample: BinarySample): Estimate {
  const { n, order, outcomes, weights, weightOf, dependence, rarer, hasNaN } = sample
  if (weightOf.positives === 0 || hasNaN) return undefinedEstimate(n)
  const { chosenFrom, precisionFrom } = atThresholds(sample)
  let area = 0
  for (const { start, positives } of tiedBlocks(sample)) area += positives * precisionFrom[start]!
  const value = Math.min(1, area / weightOf.positives)
  const influence = new Float64Array(n)
  // A row moves the precision at each threshold that it reaches, by its class less that precision.
  let bias = 0
  let inverse = 0
  let ratio = 0
  for (const { start, end, positives } of tiedBlocks(sample)) {
    const precision = precisionFrom[start]!
    inverse += positives / chosenFrom[start]!
    ratio += (positives * precision) / chosenFrom[start]!
    for (let at = start; at < end; at++) {
      const row = order[at]!
      const others = chosenFrom[start]! - weights[row]!
      if (outcomes[row] === 1 && others > 0) bias += (weights[row]! ** 2 * (1 - precision)) / others / weightOf.positives
      const ofPositive = outcomes[row] === 1 ? precision - value + inverse : 0
      influence[row] = (weights[row]! * (ofPositive - ratio)) / weightOf.positives
    }
  }
  if (rarer >= leastClusters && rarer * value * (1 - value) < leastInformation) return { value, n, method: 'too_near_the_limit' }
  return intervalOf({ value, influence, n }, { dependence, scale: scales.logit, rarer, bias })
}

/** What the rows from each place in the order on weigh, and their precision; meant for places where a distinct score begins. */
function atThresholds({ n, order, outcomes, weights }: BinarySample): { chosenFrom: Float64Array; precisionFrom: Float64Array } {
  const chosenFrom = new Float64Array(n)
  const precisionFrom = new Float64Array(n)
  let positives = 0
  let chosen = 0
  for (let at = n - 1; at >= 0; at--) {
    const row = order[at]!
    chosen += weights[row]!
    if (outcomes[row] === 1) positives += weights[row]!
    chosenFrom[at] = chosen
    precisionFrom[at] = chosen === 0 ? 0 : positives / chosen
  }
  return { chosenFrom, precisionFrom }
}
