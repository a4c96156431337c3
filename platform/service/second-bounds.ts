/** Buckets of a duration on the path of a request: from 50 µs, because a stage often takes less than a millisecond. */
export const secondBounds: readonly number[] = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]
