import { createHash } from 'node:crypto'
import type { LoggedDecision } from './logged-decision.ts'

const bucketCount = 10
const folds = 2

/** Foretells the reward of an action in a decision's place. */
export type RewardModel = (row: LoggedDecision, action: string) => number

/**
 * Mean rewards of each action by tenth of the score. Each key's rewards are foretold from the other half of the keys, so that no
 * reward foretells itself; an action that a bucket does not have is foretold by its mean, and one that no bucket has by the mean of all.
 */
export function fitRewards(rows: readonly LoggedDecision[]): RewardModel {
  const edges = quantiles(rows.map(({ score }) => score))
  const bucketOf = (score: number) => edges.filter((edge) => score > edge).length
  const fitted = Array.from({ length: folds }, (_, fold) => {
    const means = new Map<string, { sum: number; count: number }>()
    for (const row of rows) {
      if (foldOf(row.stickyKey) === fold) continue
      for (const key of keysOf(bucketOf(row.score), row.action)) {
        const mean = means.get(key) ?? { sum: 0, count: 0 }
        mean.sum += row.reward
        mean.count += 1
        means.set(key, mean)
      }
    }
    return means
  })
  return (row, action) => {
    const means = fitted[foldOf(row.stickyKey)]!
    const found = keysOf(bucketOf(row.score), action)
      .map((key) => means.get(key))
      .find((mean) => mean !== undefined)
    return found === undefined ? 0 : found.sum / found.count
  }
}

/** From the most to the least particular. */
function keysOf(bucket: number, action: string): string[] {
  return [`bucket ${bucket} ${action}`, `action ${action}`, 'all']
}

/** Which half of the keys a key is in. */
export function foldOf(stickyKey: string): number {
  return createHash('sha256').update(stickyKey).digest()[0]! % folds
}

function quantiles(scores: readonly number[]): number[] {
  const sorted = Float64Array.from(scores).toSorted()
  return Array.from({ length: bucketCount - 1 }, (_, index) => sorted[Math.floor(((index + 1) * sorted.length) / bucketCount)] ?? 0)
}
