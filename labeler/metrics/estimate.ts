/** How an interval was computed. */
export type IntervalMethod = 'delong' | 'logit' | 'normal' | 'normal_of_square' | 'wilson' | 'order_statistics'

/** Why there is no interval. */
export type NoInterval =
  /** Too few rows, or no figure. */
  | 'none'
  /** The figure lies at an end of its range, or so near that the approximation would give all of it. */
  | 'too_near_the_limit'
  /** None of the methods keeps the level of 95 % for this metric. */
  | 'not_computed'
  /** The values are too large to be computed with. */
  | 'overflow'

/** A figure with its two-sided interval at `confidenceLevel`. `value` is undefined where the data does not define it. */
export type Estimate = {
  value?: number
  lower?: number
  upper?: number
  /** How many rows it is computed from, or the denominator of a share. */
  n: number
  method: IntervalMethod | NoInterval
}

/** The values that a metric can have; an end that is left out is none. */
export type Range = { least?: number; most?: number }

export const confidenceLevel = 0.95

/** The 97.5 % quantile of the standard normal distribution. */
export const normalQuantile = 1.959963984540054

export function undefinedEstimate(n: number): Estimate {
  return { n, method: 'none' }
}

/** The estimate with its ends cut to the metric's range. What overflowed is undefined: the figure, or the interval alone. */
export function withinRange({ value, lower, upper, n, method }: Estimate, { least = -Infinity, most = Infinity }: Range): Estimate {
  if (value === undefined) return undefinedEstimate(n)
  if (!Number.isFinite(value)) return { n, method: 'overflow' }
  if (lower === undefined || upper === undefined) return { value, n, method }
  if (!Number.isFinite(lower) || !Number.isFinite(upper)) return { value, n, method: 'overflow' }
  return { value, lower: Math.max(least, lower), upper: Math.min(most, upper), n, method }
}
