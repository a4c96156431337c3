import { type Estimate, normalQuantile, type Range, undefinedEstimate, withinRange } from './estimate.ts'

/** The mean, with its interval by the central limit theorem: mean ± z · s / √n, s with n - 1, cut to the metric's range. */
export function meanEstimate(values: ArrayLike<number>, range: Range = {}): Estimate {
  const n = values.length
  if (n === 0) return undefinedEstimate(0)
  const { mean, variance } = momentsOf(values)
  if (n === 1) return withinRange({ value: mean, n, method: 'none' }, range)
  const half = normalQuantile * Math.sqrt(variance / n)
  return withinRange({ value: mean, lower: mean - half, upper: mean + half, n, method: 'normal' }, range)
}

/** Mean and variance (with n - 1), in two passes for stability. The variance of one value is NaN. */
export function momentsOf(values: ArrayLike<number>): { mean: number; variance: number } {
  let sum = 0
  for (let index = 0; index < values.length; index++) sum += values[index] ?? 0
  const mean = sum / values.length
  let squares = 0
  for (let index = 0; index < values.length; index++) squares += ((values[index] ?? 0) - mean) ** 2
  return { mean, variance: squares / (values.length - 1) }
}
