import { type Estimate, undefinedEstimate } from './estimate.ts'
import { intervalOf, scales } from './interval.ts'
import type { BinarySample } from './sample.ts'
import { tiedBlocks } from './tied-blocks.ts'

/**
 * Weighted area under the ROC curve, ties counting half. Its interval is on the logit scale, from each row's placement among the other
 * class, each class with a small-sample factor of its own: DeLong's (DeLong, DeLong and Clarke-Pearson 1988) where rows are independent,
 * Obuchowski's (1997) where they are clustered. Its degrees of freedom are those of the class that fewer clusters hold. Undefined with one
 * class, and with a score that is NaN. There is no interval where a single cluster has a class, and none where no row is out of order:
 * its variance would be 0.
 *
 * @example
 * ```ts
 * import { rocAuc } from './roc-auc.ts'
 * import { binarySample } from './sample.ts'
 *
 * rocAuc(binarySample({ scores: Float64Array.of(0.1, 0.4, 0.35, 0.8), outcomes: Uint8Array.of(0, 0, 1, 1) })).value // => 0.75
 * ```
 */
export function rocAuc(sample: BinarySample): Estimate {
  const { n, outcomes, weights, weightOf, dependence, hasNaN } = sample
  const { positives, negatives } = weightOf
  if (positives === 0 || negatives === 0 || hasNaN) return undefinedEstimate(n)
  const placements = new Float64Array(n)
  const below = { positives: 0, negatives: 0 }
  let area = 0
  for (const block of tiedBlocks(sample)) {
    const negativesBelow = below.negatives + block.negatives / 2
    const positivesAbove = positives - below.positives - block.positives / 2
    area += block.positives * (negativesBelow / negatives)
    for (let at = block.start; at < block.end; at++) {
      const row = sample.order[at]!
      placements[row] = outcomes[row] === 1 ? negativesBelow / negatives : positivesAbove / positives
    }
    below.positives += block.positives
    below.negatives += block.negatives
  }
  const value = Math.min(1, area / positives)
  const influence = new Float64Array(n)
  for (let row = 0; row < n; row++)
    influence[row] = (weights[row]! * (placements[row]! - value)) / (outcomes[row] === 1 ? positives : negatives)
  const scale = dependence.clusteredBy === 'rows' ? scales.delong : scales.logit
  return intervalOf({ value, influence, n }, { dependence, scale, groups: outcomes, rarer: Infinity })
}
