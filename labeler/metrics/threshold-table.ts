import { type Confusion, type Costs } from './at-threshold.ts'
import type { BinarySample } from './sample.ts'
import { tiedBlocks } from './tied-blocks.ts'

export type ThresholdRow = Confusion & {
  threshold: number
  /** Undefined where nothing is chosen. */
  precision?: number
  /** Undefined where nothing is positive. */
  recall?: number
  /** Mean cost of a decision, where costs are declared. */
  cost?: number
  /** The threshold among all scores that would have cost least; what it costs on other rows is more, for it was chosen on these. */
  is_least_cost?: true
}

const steps = Array.from({ length: 19 }, (_, step) => (step + 1) / 20)

/**
 * What "score >= threshold" does at 0.05, 0.1 ... 0.95, or where scores are no probabilities at those quantiles of them, at the declared
 * threshold, and, with costs, at the threshold that costs least.
 */
export function thresholdTable(
  sample: BinarySample,
  { declared, costs }: { declared?: number | undefined; costs?: Costs | undefined } = {},
): ThresholdRow[] {
  if (sample.totalWeight === 0 || sample.hasNaN) return []
  const { scores, order, n } = sample
  const isProbability = scores[order[0]!]! >= 0 && scores[order[n - 1]!]! <= 1
  const grid = isProbability ? steps : steps.map((step) => scores[order[Math.floor(step * n)]!]!)
  const least = costs === undefined ? undefined : leastCostThreshold(sample, costs)
  const thresholds = [...new Set([...grid, ...(declared === undefined ? [] : [declared]), ...(least === undefined ? [] : [least])])]
  return confusionsAt(
    sample,
    thresholds.toSorted((a, b) => a - b),
  ).map((row) => ({
    ...row,
    ...ratio('precision', row.true_positive, row.true_positive + row.false_positive),
    ...ratio('recall', row.true_positive, row.true_positive + row.false_negative),
    ...(costs !== undefined && { cost: costOf(row, costs) / sample.totalWeight }),
    ...(row.threshold === least && { is_least_cost: true }),
  }))
}

function ratio(name: 'precision' | 'recall', above: number, below: number): { precision?: number; recall?: number } {
  return below === 0 ? {} : { [name]: above / below }
}

/** The confusion at each of ascending thresholds, in one walk up the scores. */
function confusionsAt(sample: BinarySample, thresholds: readonly number[]): (Confusion & { threshold: number })[] {
  const { positives, negatives } = sample.weightOf
  const below = { positives: 0, negatives: 0 }
  const rows: (Confusion & { threshold: number })[] = []
  const close = (threshold: number) =>
    rows.push({
      threshold,
      true_positive: positives - below.positives,
      false_positive: negatives - below.negatives,
      false_negative: below.positives,
      true_negative: below.negatives,
    })
  for (const block of tiedBlocks(sample)) {
    while (rows.length < thresholds.length && thresholds[rows.length]! <= block.score) close(thresholds[rows.length]!)
    below.positives += block.positives
    below.negatives += block.negatives
  }
  while (rows.length < thresholds.length) {
    below.positives = positives
    below.negatives = negatives
    close(thresholds[rows.length]!)
  }
  return rows
}

function costOf(confusion: Confusion, costs: Costs): number {
  return (
    confusion.true_positive * costs.true_positive +
    confusion.false_positive * costs.false_positive +
    confusion.false_negative * costs.false_negative +
    confusion.true_negative * costs.true_negative
  )
}

/** The lowest of the scores that would have cost least as a threshold. */
function leastCostThreshold(sample: BinarySample, costs: Costs): number | undefined {
  const { positives, negatives } = sample.weightOf
  const below = { positives: 0, negatives: 0 }
  let best: { threshold: number; cost: number } | undefined
  for (const block of tiedBlocks(sample)) {
    const confusion = {
      true_positive: positives - below.positives,
      false_positive: negatives - below.negatives,
      false_negative: below.positives,
      true_negative: below.negatives,
    }
    const cost = costOf(confusion, costs)
    if (best === undefined || cost < best.cost) best = { threshold: block.score, cost }
    below.positives += block.positives
    below.negatives += block.negatives
  }
  return best?.threshold
}
