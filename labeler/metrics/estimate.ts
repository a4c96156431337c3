/** How an interval was computed. */
export type IntervalMethod =
  /** DeLong's variance of independent rows, on the logit scale. */
  | 'delong'
  /** Student's t on the metric's own scale. */
  | 't'
  /** Student's t on the logit of the metric. */
  | 'logit'
  /** Student's t on the logarithm: of R², on that of 1 - R². */
  | 'log'
  /** Wilson's score interval; of rows that depend on each other, with the number of independent ones that would be as sure. */
  | 'wilson'
  /** A quantile between two order statistics. */
  | 'order_statistics'
  /** A quantile, where the interval of the share of rows below it ends (Woodruff 1952). */
  | 'woodruff'

/** Why there is no interval. */
export type NoInterval =
  /** There is no figure. */
  | 'none'
  /** Fewer than 10 clusters hold the rarer class; of sizes of errors, fewer than 20 hold a row; of ROC AUC, fewer than 2 hold a class. */
  | 'too_few_clusters'
  /** The figure lies at an end of its range, or so near that the approximation would give all of it. */
  | 'too_near_the_limit'
  /** None of the methods keeps the level for this metric. */
  | 'not_computed'
  /** The values are too large to be computed with. */
  | 'overflow'

/** What the standard error lets rows depend on each other by. */
export type ClusteredBy = 'rows' | 'day' | 'entity' | 'entity_and_day'

/** A figure with its two-sided interval at `confidenceLevel`. `value` is undefined where the data does not define it. */
export type Estimate = {
  value?: number
  lower?: number
  upper?: number
  /** How many rows it is computed from, or the denominator of a share. */
  n: number
  method: IntervalMethod | NoInterval
  /** What the interval's standard error is clustered by; left out where there is no interval. */
  clustered_by?: ClusteredBy
  /** The fewest clusters that any of these has. */
  clusters?: number
  /** What an interval speaks of: days to come, or, of rows of fewer than 5 days, these days only. */
  scope?: 'days_to_come' | 'these_days'
}

/** The values that a metric can have; an end that is left out is none. */
export type Range = { least?: number; most?: number }

export const confidenceLevel = 0.95

export function undefinedEstimate(n: number): Estimate {
  return { n, method: 'none' }
}
