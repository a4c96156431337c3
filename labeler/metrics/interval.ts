import type { Dependence } from './dependence.ts'
import { normalQuantileOf } from './distributions/normal.ts'
import { studentQuantile } from './distributions/student.ts'
import { confidenceLevel, type Estimate, type IntervalMethod, type Range, undefinedEstimate } from './estimate.ts'
import { type Spread, spreadOf } from './variance.ts'

/** The fewest clusters holding the rarer class with which intervals keep their level. */
export const leastClusters = 10

/** On which scale an interval is symmetric, and what its method is called. */
type Scale = { method: IntervalMethod; to(value: number): number; from(value: number): number; slope(value: number): number }

const logit: Omit<Scale, 'method'> = {
  to: (value) => Math.log(value / (1 - value)),
  from: (value) => 1 / (1 + Math.exp(-value)),
  slope: (value) => 1 / (value * (1 - value)),
}

export const scales = {
  t: { method: 't', to: (value) => value, from: (value) => value, slope: () => 1 },
  logit: { method: 'logit', ...logit },
  delong: { method: 'delong', ...logit },
  /** For a size, which is above 0. */
  log: { method: 'log', to: Math.log, from: Math.exp, slope: (value) => 1 / value },
  /** For a figure of at most 1 that has no lower bound. */
  logOfRest: {
    method: 'log',
    to: (value) => -Math.log(1 - value),
    from: (value) => 1 - Math.exp(-value),
    slope: (value) => 1 / (1 - value),
  },
} as const satisfies Record<string, Scale>

export type IntervalOptions = {
  dependence: Dependence
  scale?: Scale
  range?: Range
  /** The groups of rows that have small-sample factors of their own; 255 marks rows that the figure has nothing to do with. */
  groups?: Uint8Array
  /** What the value is too large by in the mean of many samples; the interval lies around the value less this. */
  bias?: number
  /** The number of clusters that hold the rarer class, where fewer than 10 allow no interval. */
  rarer?: number | undefined
  /** The fewest clusters that allow an interval, where they are more. */
  fewest?: number
}

/** A figure and each row's influence on it. */
export type Figure = { value: number; influence: Float64Array; n: number }

/** The figure with its interval by Student's t, with one degree of freedom fewer than the fewest clusters. */
export function intervalOf({ value, influence, n }: Figure, options: IntervalOptions): Estimate {
  if (!Number.isFinite(value)) return { n, method: Number.isNaN(value) ? 'none' : 'overflow' }
  const spread = spreadOf(influence, options.dependence, options.groups)
  if (spread === undefined || (options.rarer ?? spread.entities) < (options.fewest ?? leastClusters))
    return { value, n, method: 'too_few_clusters' }
  return fromSpread({ value, n }, spread, options)
}

export function fromSpread(
  { value, n }: Pick<Figure, 'value' | 'n'>,
  spread: Spread,
  { dependence, scale = scales.t, range = {}, bias = 0 }: IntervalOptions,
): Estimate {
  if (!Number.isFinite(spread.variance)) return { value, n, method: 'overflow' }
  const centre = value - bias
  if (scale !== scales.t && (spread.variance === 0 || !Number.isFinite(scale.to(centre)))) return { value, n, method: 'too_near_the_limit' }
  const half = criticalValue(dependence, spread.clusters) * Math.sqrt(spread.variance) * scale.slope(centre)
  const [lower, upper] = [scale.from(scale.to(centre) - half), scale.from(scale.to(centre) + half)]
  return withinRange({ value, lower, upper, n, method: scale.method, ...clusteringOf(dependence, spread.clusters) }, range)
}

export function criticalValue({ level = confidenceLevel }: Dependence, clusters: number): number {
  return studentQuantile((1 + level) / 2, clusters - 1)
}

export function normalCriticalValue({ level = confidenceLevel }: Dependence): number {
  return normalQuantileOf((1 + level) / 2)
}

/** What a result says of the clusters that its interval is from. */
export function clusteringOf({ clusteredBy, scope }: Dependence, clusters: number): Partial<Estimate> {
  return { clustered_by: clusteredBy, clusters, ...(scope !== undefined && { scope }) }
}

/** The estimate with its ends cut to the metric's range. What overflowed is undefined: the figure, or the interval alone. */
export function withinRange(estimate: Estimate, { least = -Infinity, most = Infinity }: Range): Estimate {
  const { value, lower, upper, n } = estimate
  if (value === undefined) return undefinedEstimate(n)
  if (!Number.isFinite(value)) return { n, method: 'overflow' }
  if (lower === undefined || upper === undefined) return { value, n, method: estimate.method }
  if (!Number.isFinite(lower) || !Number.isFinite(upper)) return { value, n, method: 'overflow' }
  return { ...estimate, lower: Math.max(least, lower), upper: Math.min(most, upper) }
}
