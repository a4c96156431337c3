/** A set of values from `lower` to `upper`; an infinite end says that nothing is known there. */
export type Interval = { lower: number; upper: number }

export const everything: Interval = { lower: -Infinity, upper: Infinity }

/** The smallest interval that holds all of them. */
export function hullOf(intervals: readonly Interval[]): Interval {
  return { lower: Math.min(...intervals.map(({ lower }) => lower)), upper: Math.max(...intervals.map(({ upper }) => upper)) }
}

/** -1 where the interval lies below 0, 1 where above, 0 where it holds 0. */
export function sideOf({ lower, upper }: Interval): -1 | 0 | 1 {
  if (upper < 0) return -1
  return lower > 0 ? 1 : 0
}
