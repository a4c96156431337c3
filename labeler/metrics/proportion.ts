import type { Dependence } from './dependence.ts'
import { type Estimate, undefinedEstimate } from './estimate.ts'
import { clusteringOf, criticalValue, leastClusters, normalCriticalValue } from './interval.ts'
import type { Sample } from './sample.ts'
import { spreadOf, unconcerned } from './variance.ts'

/** A share of independent rows with Wilson's score interval (1927), which stays within 0 and 1 and holds for small counts. */
export function proportionEstimate(hits: number, n: number, dependence: Pick<Dependence, 'level'> = {}): Estimate {
  if (n === 0) return undefinedEstimate(0)
  const z = normalCriticalValue(dependence as Dependence)
  return { value: hits / n, ...wilsonEnds(hits / n, n, z), n, method: 'wilson', clustered_by: 'rows', clusters: n }
}

/** Which rows a share is of, and which of them count for it. */
export type Share = { isConcerned(row: number): boolean; isHit(row: number): boolean }

/**
 * A weighted share with Wilson's interval. Of rows that depend on each other, or weigh differently, the interval is that of as many
 * independent rows as would have the same variance; a share of 0 or 1, whose variance says nothing, has that of rows as many as the
 * weights of clusters are worth (Kish).
 */
export function shareEstimate(share: Share, sample: Sample): Estimate {
  const { n, weights, dependence } = sample
  const groups = new Uint8Array(n).fill(unconcerned)
  const counts = { rows: 0, hits: 0, weight: 0, weightOfHits: 0, squaredWeight: 0 }
  let isUnweighted = true
  for (let row = 0; row < n; row++) {
    if (!share.isConcerned(row)) continue
    const weight = weights[row]!
    groups[row] = 0
    counts.rows += 1
    counts.weight += weight
    counts.squaredWeight += weight * weight
    if (weight !== 1) isUnweighted = false
    if (!share.isHit(row)) continue
    counts.hits += 1
    counts.weightOfHits += weight
  }
  if (counts.weight === 0) return undefinedEstimate(counts.rows)
  if (isUnweighted && dependence.clusteredBy === 'rows') return proportionEstimate(counts.hits, counts.rows, dependence)
  const value = counts.weightOfHits / counts.weight
  const isExtreme = counts.hits === 0 || counts.hits === counts.rows
  const influence = new Float64Array(n)
  for (let row = 0; row < n; row++) {
    if (groups[row] === unconcerned) continue
    influence[row] = (weights[row]! * (isExtreme ? 1 : Number(share.isHit(row)) - value)) / counts.weight
  }
  const spread = spreadOf(influence, dependence, groups)
  if (spread === undefined || spread.entities < leastClusters) return { value, n: counts.rows, method: 'too_few_clusters' }
  const worth = isExtreme ? 1 / spread.variance : (value * (1 - value)) / spread.variance
  const independent = Math.min(worth, counts.weight ** 2 / counts.squaredWeight)
  const ends = wilsonEnds(value, independent, criticalValue(dependence, spread.clusters))
  return { value, ...ends, n: counts.rows, method: 'wilson', ...clusteringOf(dependence, spread.clusters) }
}

function wilsonEnds(share: number, n: number, z: number): { lower: number; upper: number } {
  const z2 = z ** 2
  const centre = (share + z2 / (2 * n)) / (1 + z2 / n)
  const half = (z / (1 + z2 / n)) * Math.sqrt((share * (1 - share)) / n + z2 / (4 * n * n))
  return { lower: Math.max(0, centre - half), upper: Math.min(1, centre + half) }
}
