import { type Estimate, normalQuantile, undefinedEstimate } from './estimate.ts'
import { countPositives, orderByScore, type Scored } from './scored.ts'

/** The least n · value · (1 - value) of an interval: below it the logit is so steep that the interval is nearly all of 0 to 1. */
const leastInformation = 1

/**
 * Area under the precision-recall curve as average precision: Σ (Rₖ - Rₖ₋₁) Pₖ over distinct thresholds. The interval
 * is the logit interval of Boyd, Eng and Page (2013), whose n is the number of positives; there is none where that times
 * value · (1 - value) is under 1. Undefined without positives, and with a score that is NaN.
 */
export function averagePrecision({ scores, outcomes }: Scored): Estimate {
  const n = scores.length
  const positives = countPositives(outcomes)
  if (positives === 0 || scores.some(Number.isNaN)) return undefinedEstimate(n)
  // The sum of an area of 1 may be off by its last bits.
  const value = Math.min(1, stepArea({ scores, outcomes }, positives))
  const information = positives * value * (1 - value)
  if (information < leastInformation) return { value, n, method: 'too_near_the_limit' }
  const logit = Math.log(value / (1 - value))
  const half = normalQuantile / Math.sqrt(information)
  return { value, lower: expit(logit - half), upper: expit(logit + half), n, method: 'logit' }
}

/** The area under the steps, divided once, at the end, so that a perfect order has exactly 1. */
function stepArea({ scores, outcomes }: Scored, positives: number): number {
  const order = orderByScore(scores).reverse()
  let area = 0
  let hits = 0
  for (let start = 0; start < order.length;) {
    const score = scores[order[start] ?? 0]
    const before = hits
    let end = start
    while (end < order.length && scores[order[end] ?? 0] === score) hits += outcomes[order[end++] ?? 0] ?? 0
    area += (hits - before) * (hits / end)
    start = end
  }
  return area / positives
}

function expit(x: number): number {
  return 1 / (1 + Math.exp(-x))
}
