import { binomialQuantile } from './binomial.ts'
import { type Estimate, undefinedEstimate } from './estimate.ts'
import { meanEstimate } from './mean.ts'
import type { Estimates } from './scored.ts'

/** The errors, predicted less observed: positive where the model said too much. */
export function errorsOf({ predicted, observed }: Estimates): Float64Array {
  return predicted.map((value, row) => value - (observed[row] ?? 0))
}

export function meanAbsoluteError(errors: Float64Array): Estimate {
  return meanEstimate(errors.map(Math.abs), { least: 0 })
}

export function meanError(errors: Float64Array): Estimate {
  return meanEstimate(errors)
}

/** Root of the mean squared error; its interval is the root of the mean's. */
export function rootMeanSquaredError(errors: Float64Array): Estimate {
  const { value, lower, upper, n, method } = meanEstimate(
    errors.map((error) => error ** 2),
    { least: 0 },
  )
  if (value === undefined) return { n, method }
  if (lower === undefined || upper === undefined) return { value: Math.sqrt(value), n, method }
  return { value: Math.sqrt(value), lower: Math.sqrt(lower), upper: Math.sqrt(upper), n, method: 'normal_of_square' }
}

/**
 * A quantile of the errors, interpolated linearly, between two order statistics (Conover 1999, as SciPy's
 * quantile_test). An end that the sample is too small for is undefined.
 */
export function errorQuantile(errors: Float64Array, share: number): Estimate {
  const n = errors.length
  if (n === 0) return undefinedEstimate(0)
  const sorted = errors.toSorted()
  const position = share * (n - 1)
  const below = sorted[Math.floor(position)] ?? 0
  const above = sorted[Math.ceil(position)] ?? 0
  const value = below === above ? below : below + (above - below) * (position - Math.floor(position))
  const lower = sorted[binomialQuantile({ n, share, probability: 0.025 }) - 1]
  const upper = sorted[binomialQuantile({ n, share, probability: 0.975 })]
  if (![value, lower ?? 0, upper ?? 0].every(Number.isFinite)) return { ...(Number.isFinite(value) && { value }), n, method: 'overflow' }
  return { value, n, method: 'order_statistics', ...(lower !== undefined && { lower }), ...(upper !== undefined && { upper }) }
}
