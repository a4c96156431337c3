import { type Estimate, normalQuantile, undefinedEstimate } from './estimate.ts'

/** The mean, with its interval by the central limit theorem: mean ± z · s / √n, s with n - 1. */
export function meanEstimate(values: ArrayLike<number>): Estimate {
  const n = values.length
  if (n === 0) return undefinedEstimate(0)
  const { mean, variance } = momentsOf(values)
  if (n === 1) return { value: mean, n, method: 'none' }
  const half = normalQuantile * Math.sqrt(variance / n)
  return { value: mean, lower: mean - half, upper: mean + half, n, method: 'normal' }
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
