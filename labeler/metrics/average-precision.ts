import { type Estimate, normalQuantile, undefinedEstimate } from './estimate.ts'
import { countPositives, orderByScore, type Scored } from './scored.ts'

/**
 * Area under the precision-recall curve as average precision: Σ (Rₖ - Rₖ₋₁) Pₖ over distinct thresholds. The interval
 * is the logit interval of Boyd, Eng and Page (2013), whose n is the number of positives. Undefined without positives.
 */
export function averagePrecision({ scores, outcomes }: Scored): Estimate {
  const n = scores.length
  const positives = countPositives(outcomes)
  if (positives === 0) return undefinedEstimate(n)
  const value = stepArea({ scores, outcomes }, positives)
  if (value >= 1) return { value: 1, n, method: 'none' }
  const logit = Math.log(value / (1 - value))
  const half = normalQuantile / Math.sqrt(positives * value * (1 - value))
  return { value, lower: expit(logit - half), upper: expit(logit + half), n, method: 'logit' }
}

function stepArea({ scores, outcomes }: Scored, positives: number): number {
  const order = orderByScore(scores).reverse()
  let area = 0
  let hits = 0
  for (let start = 0; start < order.length;) {
    const score = scores[order[start] ?? 0]
    const before = hits
    let end = start
    while (end < order.length && scores[order[end] ?? 0] === score) hits += outcomes[order[end++] ?? 0] ?? 0
    area += ((hits - before) / positives) * (hits / end)
    start = end
  }
  return area
}

function expit(x: number): number {
  return 1 / (1 + Math.exp(-x))
}
