/** How an interval was computed; `none` where there is no interval. */
export type IntervalMethod =
  | 'delong'
  | 'logit'
  | 'normal'
  | 'normal_of_square'
  | 'wilson'
  | 'binned_bootstrap'
  | 'order_statistics'
  | 'none'

/** A figure with its two-sided interval at `confidenceLevel`. `value` is undefined where the data does not define it. */
export type Estimate = {
  value?: number
  lower?: number
  upper?: number
  /** What it is computed from: rows, or the denominator of a share. */
  n: number
  method: IntervalMethod
}

export const confidenceLevel = 0.95

/** The 97.5 % quantile of the standard normal distribution. */
export const normalQuantile = 1.959963984540054

export function undefinedEstimate(n: number): Estimate {
  return { n, method: 'none' }
}
