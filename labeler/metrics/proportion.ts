import { type Estimate, normalQuantile, undefinedEstimate } from './estimate.ts'

/** A share with Wilson's score interval (1927), which stays within 0 and 1 and holds for small counts. */
export function proportionEstimate(hits: number, n: number): Estimate {
  if (n === 0) return undefinedEstimate(0)
  const share = hits / n
  const z2 = normalQuantile ** 2
  const centre = (share + z2 / (2 * n)) / (1 + z2 / n)
  const half = (normalQuantile / (1 + z2 / n)) * Math.sqrt((share * (1 - share)) / n + z2 / (4 * n * n))
  return { value: share, lower: Math.max(0, centre - half), upper: Math.min(1, centre + half), n, method: 'wilson' }
}
