import type { Estimate } from './estimate.ts'
import { proportionEstimate } from './proportion.ts'
import { countPositives, type Scored } from './scored.ts'

/** Precision and recall of "score >= threshold", each with Wilson's interval. */
export function precisionAndRecall({ scores, outcomes }: Scored, threshold: number): { precision: Estimate; recall: Estimate } {
  let chosen = 0
  let hits = 0
  for (const [row, score] of scores.entries()) {
    if (score < threshold) continue
    chosen += 1
    hits += outcomes[row] ?? 0
  }
  return { precision: proportionEstimate(hits, chosen), recall: proportionEstimate(hits, countPositives(outcomes)) }
}
