/** How often values fell into each bucket, since the start. */
export type Distribution = {
  /** Upper bounds of the buckets, which belong to them. */
  readonly bounds: readonly number[]
  /** The counts of the buckets, one more than bounds: the last has the values above them all. */
  readonly counts: readonly number[]
  readonly sum: number
  readonly count: number
  record(value: number): void
}

export function createDistribution(bounds: readonly number[]): Distribution {
  const counts = Array.from({ length: bounds.length + 1 }, () => 0)
  let sum = 0
  let count = 0
  return {
    bounds,
    counts,
    get sum() {
      return sum
    },
    get count() {
      return count
    },
    record(value) {
      let bucket = 0
      while (bucket < bounds.length && value > bounds[bucket]!) bucket++
      counts[bucket]!++
      sum += value
      count++
    },
  }
}
