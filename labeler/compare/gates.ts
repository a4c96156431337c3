import { everything, type Interval } from './interval.ts'
import { clusteredVariance, effectiveGroups, meanOf, type Moments, residualSquares } from './moments.ts'

/** The variance of the mixture of gate 1, in units of a block's own. */
const mixture = 1

/** What gate 2's mixing variance is, as a multiple of the variance after the first block. */
export const etaFactor = 1.26

export const fewestBlocks = 7
export const fewestClusters = 20

/**
 * The fewest effective clusters. Gate 2 estimates a variance, which a cluster that draws the mean to itself hides: docs/verdicts.md has
 * how often equal versions are called apart where one entity has 30, 50 or 70 % of the rows (11, 4 and 2 effective clusters).
 */
export const fewestEffectiveClusters = 8

/** Why the sums of a role's clusters say nothing; undefined where they do. */
export function clusterShortcoming(clusters: Moments): 'too_few_clusters' | 'unbalanced_clusters' | undefined {
  if (clusters.groups < fewestClusters) return 'too_few_clusters'
  return effectiveGroups(clusters) < fewestEffectiveClusters ? 'unbalanced_clusters' : undefined
}

/**
 * Gate 1, the confidence sequence for the mean of a row where blocks are independent and Gaussian with a variance that nobody
 * knows (Wang and Ramdas 2023, arXiv 2310.03722): m is kept while S(m)² < Q(m) k, k = (t + c²) (1 - (a² c² / (t + c²))^(1/t)).
 * Everything, until there are blocks enough for it to be bounded.
 */
export function blockInterval(blocks: Moments, level: number): Interval {
  const t = blocks.groups
  if (t === 0 || blocks.rows === 0) return everything
  const spread = t + mixture ** 2
  const k = spread * -Math.expm1(Math.log((level ** 2 * mixture ** 2) / spread) / t)
  const mean = meanOf(blocks)
  // With m = mean + x the condition is square x² + 2 slope x - k Σ e² < 0, e = s - mean n.
  const square = blocks.rows ** 2 - k * blocks.rowSquares
  if (square <= 0) return everything
  const slope = k * (blocks.products - mean * blocks.rowSquares)
  const root = Math.sqrt(slope ** 2 + square * k * residualSquares(blocks, mean))
  return { lower: mean + (-slope - root) / square, upper: mean + (-slope + root) / square }
}

/**
 * Gate 2, the normal mixture over the sums of clusters (Howard, Ramdas, McAuliffe and Sekhon 2021): m is kept while
 * |S(m)| < √((V + η) ln((V + η) / (η a²))), V the clustered variance of the sum. Everything, without variance.
 */
export function clusterInterval(clusters: Moments, { eta, level }: { eta: number; level: number }): Interval {
  return mixtureInterval({ mean: meanOf(clusters), rows: clusters.rows, variance: clusteredVariance(clusters), eta, level })
}

type Mixture = { mean: number; rows: number; variance: number; eta: number; level: number }

export function mixtureInterval({ mean, rows, variance, eta, level }: Mixture): Interval {
  if (!(variance > 0 && eta > 0 && rows > 0)) return everything
  const half = Math.sqrt((variance + eta) * Math.log((variance + eta) / (eta * level ** 2))) / rows
  return { lower: mean - half, upper: mean + half }
}
