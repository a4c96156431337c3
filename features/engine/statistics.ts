/** Mergeable moments of numbers: `mean` and `m2` by Welford, merged by Chan, so that `std` stays stable. */
export type Statistics = { n: number; sum: number; mean: number; m2: number; min: number; max: number }

export function emptyStatistics(): Statistics {
  return { n: 0, sum: 0, mean: 0, m2: 0, min: Infinity, max: -Infinity }
}

export function addNumber(into: Statistics, value: number): void {
  into.n += 1
  into.sum += value
  const delta = value - into.mean
  into.mean += delta / into.n
  into.m2 += delta * (value - into.mean)
  if (value < into.min) into.min = value
  if (value > into.max) into.max = value
}

export function mergeStatistics(into: Statistics, from: Statistics): void {
  if (from.n === 0) return
  const n = into.n + from.n
  const delta = from.mean - into.mean
  into.m2 += from.m2 + (delta * delta * into.n * from.n) / n
  into.mean += (delta * from.n) / n
  into.n = n
  into.sum += from.sum
  if (from.min < into.min) into.min = from.min
  if (from.max > into.max) into.max = from.max
}
