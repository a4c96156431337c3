import { normalCdf, normalDensity } from './distributions/normal.ts'
import { type Estimate, undefinedEstimate } from './estimate.ts'
import type { BinarySample } from './sample.ts'
import { spreadOf, unconcerned } from './variance.ts'

const binCount = 10

/** One bin of the calibration curve: what was said in the mean, and how often it came. */
export type CalibrationBin = { from: number; to: number; n: number; weight: number; mean_score: number; rate: number }

/** The ten bins [0, 0.1], (0.1, 0.2] ... (0.9, 1] that hold a row: scikit-learn's `calibration_curve(n_bins=10)`, weighted. */
export function calibrationCurve(sample: BinarySample): CalibrationBin[] {
  const bins = binsOf(sample)
  const sums = Array.from({ length: binCount }, () => ({ n: 0, weight: 0, score: 0, positives: 0 }))
  for (let row = 0; row < sample.n; row++) {
    const sum = sums[bins[row]!]!
    const weight = sample.weights[row]!
    sum.n += 1
    sum.weight += weight
    sum.score += weight * sample.scores[row]!
    if (sample.outcomes[row] === 1) sum.positives += weight
  }
  return sums.flatMap(({ n, weight, score, positives }, bin) =>
    weight === 0
      ? []
      : [{ from: bin / binCount, to: (bin + 1) / binCount, n, weight, mean_score: score / weight, rate: positives / weight }],
  )
}

/**
 * Expected calibration error over those bins: Σ |Σ w (outcome - score)| / Σ w, less what noise alone adds to it. Of each bin twice its gap
 * is taken less the mean of a normal variable's size that has the gap as its mean and the gap's variance (Kumar, Liang and Ma 2019, in
 * closed form), the variance being the larger of the observed one and that of scores that are right. Never below 0. It has no interval:
 * near 0, where models are meant to be, it is no smooth function of the data.
 */
export function expectedCalibrationError(sample: BinarySample): Estimate {
  if (sample.totalWeight === 0) return undefinedEstimate(sample.n)
  const gaps = gapsOf(sample)
  const value = gaps.reduce((sum, { gap, variance }) => sum + 2 * Math.abs(gap) - meanSize(gap, Math.sqrt(variance)), 0)
  return { value: Math.max(0, value), n: sample.n, method: 'not_computed' }
}

/** The mean of |X| for a normal X (the folded normal distribution). */
function meanSize(mean: number, deviation: number): number {
  if (deviation === 0) return Math.abs(mean)
  const z = mean / deviation
  return deviation * 2 * normalDensity(z) + mean * (1 - 2 * normalCdf(-z))
}

/** Each bin's gap between outcomes and scores as a share of all weight, and the gap's variance. */
function gapsOf(sample: BinarySample): { gap: number; variance: number }[] {
  const { n, scores, outcomes, weights, totalWeight, dependence } = sample
  const bins = binsOf(sample)
  return Array.from({ length: binCount }, (_, bin) => {
    let [gap, weight, expected] = [0, 0, 0]
    for (let row = 0; row < n; row++) {
      if (bins[row] !== bin) continue
      const share = weights[row]! / totalWeight
      gap += share * (outcomes[row]! - scores[row]!)
      weight += share
      expected += share * share * scores[row]! * (1 - scores[row]!)
    }
    if (weight === 0) return { gap: 0, variance: 0 }
    const influence = new Float64Array(n)
    const groups = new Uint8Array(n).fill(unconcerned)
    for (let row = 0; row < n; row++) {
      if (bins[row] !== bin) continue
      groups[row] = 0
      influence[row] = (weights[row]! / totalWeight) * (outcomes[row]! - scores[row]! - gap / weight)
    }
    return { gap, variance: Math.max(expected, spreadOf(influence, dependence, groups)?.variance ?? 0) }
  })
}

function binsOf({ scores, n }: BinarySample): Uint8Array {
  const bins = new Uint8Array(n)
  for (let row = 0; row < n; row++) bins[row] = binOf(scores[row]!)
  return bins
}

/** The bin whose upper edge is the first that the score does not exceed. Edges are multiples of the double 0.1, as in NumPy. */
function binOf(score: number): number {
  const guess = Math.min(Math.max(Math.floor(score * binCount) - 1, 0), binCount - 1)
  let bin = guess
  while (bin < binCount - 1 && score > (bin + 1) * 0.1) bin += 1
  return bin
}
