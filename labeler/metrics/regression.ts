import { binomialQuantile } from './distributions/binomial.ts'
import { type Estimate, undefinedEstimate } from './estimate.ts'
import { clusteringOf, criticalValue, intervalOf, leastClusters, scales } from './interval.ts'
import { meanEstimate, meanFigure, meanSize, rootMeanSquare } from './mean.ts'
import { orderByValue } from './order.ts'
import { shareEstimate } from './proportion.ts'
import type { RegressionSample } from './sample.ts'
import { spreadOf } from './variance.ts'

export function meanAbsoluteError(sample: RegressionSample): Estimate {
  return meanSize(sample.errors.map(Math.abs), sample)
}

export function meanError(sample: RegressionSample): Estimate {
  return meanEstimate(sample.errors, sample)
}

/** Root of the mean squared error; its interval is the root of the mean's. */
export function rootMeanSquaredError(sample: RegressionSample): Estimate {
  return rootMeanSquare(sample.errors, sample)
}

/** 1 less the squared errors over the squared distances of the observed from their mean; undefined where all observed are equal. */
export function rSquared(sample: RegressionSample): Estimate {
  const { n, errors, observed, weights, dependence } = sample
  if (n === 0 || sample.totalWeight === 0) return undefinedEstimate(n)
  const { value: mean } = meanFigure(observed, sample)
  if (!Number.isFinite(mean)) return { n, method: 'overflow' }
  let [ofErrors, ofObserved] = [0, 0]
  for (let row = 0; row < n; row++) {
    ofErrors += weights[row]! * errors[row]! ** 2
    ofObserved += weights[row]! * (observed[row]! - mean) ** 2
  }
  if (ofObserved === 0) return undefinedEstimate(n)
  if (!Number.isFinite(ofErrors) || !Number.isFinite(ofObserved)) return { n, method: 'overflow' }
  const unexplained = ofErrors / ofObserved
  const influence = new Float64Array(n)
  for (let row = 0; row < n; row++)
    influence[row] = (-weights[row]! * (errors[row]! ** 2 - unexplained * (observed[row]! - mean) ** 2)) / ofObserved
  return intervalOf({ value: 1 - unexplained, influence, n }, { dependence, scale: scales.logOfRest, range: { most: 1 } })
}

/** Mean pinball loss of predictions that are meant as a quantile: `share` of what is above them, 1 - `share` of what is below. */
export function pinballLoss(sample: RegressionSample, share: number): Estimate {
  const losses = sample.errors.map((error) => (error < 0 ? -share * error : (1 - share) * error))
  return meanSize(losses, sample)
}

/** How often what was observed lay at or below the prediction: the declared share, where the prediction is that quantile. */
export function quantileCoverage(sample: RegressionSample): Estimate {
  return shareEstimate({ isConcerned: () => true, isHit: (row) => sample.errors[row]! >= 0 }, sample)
}

/**
 * A quantile of the errors. Of rows that all weigh 1 it is interpolated linearly; of others it is the least error up to which the rows
 * weigh `share` (the inverted distribution function). Its interval lies, of independent rows that weigh 1, between two order statistics
 * (Conover 1999, as SciPy's quantile_test); else it ends where the interval of the share of rows below the quantile does (Woodruff 1952).
 * An end that the sample is too small for is undefined.
 */
export function errorQuantile(sample: RegressionSample, share: number): Estimate {
  const { n, errors, weights, totalWeight, dependence } = sample
  if (n === 0 || totalWeight === 0) return undefinedEstimate(n)
  const order = orderByValue(errors)
  const sorted = new Float64Array(n)
  for (let at = 0; at < n; at++) sorted[at] = errors[order[at]!]!
  const isUnweighted = weights.every((weight) => weight === 1)
  const cumulative = isUnweighted ? undefined : cumulate(order, weights)
  const value = cumulative === undefined ? interpolate(sorted, share) : sorted[firstReaching(cumulative, share * totalWeight)]!
  if (!Number.isFinite(value)) return { n, method: 'overflow' }
  if (isUnweighted && dependence.clusteredBy === 'rows') {
    const lower = sorted[binomialQuantile({ n, share, probability: 0.025 }) - 1]
    const upper = sorted[binomialQuantile({ n, share, probability: 0.975 })]
    if (![lower ?? 0, upper ?? 0].every(Number.isFinite)) return { value, n, method: 'overflow' }
    return { value, n, method: 'order_statistics', clustered_by: 'rows', clusters: n, ...ends(lower, upper) }
  }
  const influence = new Float64Array(n)
  for (let row = 0; row < n; row++) influence[row] = (weights[row]! * (Number(errors[row]! <= value) - share)) / totalWeight
  const spread = spreadOf(influence, dependence)
  if (spread === undefined || spread.entities < leastClusters) return { value, n, method: 'too_few_clusters' }
  const half = criticalValue(dependence, spread.clusters) * Math.sqrt(spread.variance)
  const at = (part: number) =>
    part <= 0 || part >= 1 ? undefined : sorted[firstReaching(cumulative ?? cumulate(order, weights), part * totalWeight)]
  return { value, n, method: 'woodruff', ...clusteringOf(dependence, spread.clusters), ...ends(at(share - half), at(share + half)) }
}

function ends(lower: number | undefined, upper: number | undefined): Pick<Estimate, 'lower' | 'upper'> {
  return { ...(lower !== undefined && { lower }), ...(upper !== undefined && { upper }) }
}

function interpolate(sorted: Float64Array, share: number): number {
  const position = share * (sorted.length - 1)
  const below = sorted[Math.floor(position)] ?? 0
  const above = sorted[Math.ceil(position)] ?? 0
  return below === above ? below : below + (above - below) * (position - Math.floor(position))
}

function cumulate(order: Uint32Array, weights: Float64Array): Float64Array {
  const sums = new Float64Array(order.length)
  let sum = 0
  for (let at = 0; at < order.length; at++) sums[at] = sum += weights[order[at]!]!
  return sums
}

/** The first place whose sum reaches the target, by halving. */
function firstReaching(sums: Float64Array, target: number): number {
  let [low, high] = [0, sums.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sums[middle]! >= target) high = middle
    else low = middle + 1
  }
  return low
}
