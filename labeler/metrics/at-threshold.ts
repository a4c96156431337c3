import type { Estimate } from './estimate.ts'
import { meanEstimate, ratioEstimate, ratioFigure } from './mean.ts'
import { shareEstimate } from './proportion.ts'
import { undefinedEstimate } from './estimate.ts'
import type { BinarySample } from './sample.ts'

/** What each kind of answer costs; gains are negative. */
export type Costs = { false_positive: number; false_negative: number; true_positive: number; true_negative: number }

/** What rows weigh by what was chosen and what came: rows alone, where they all weigh 1. */
export type Confusion = { true_positive: number; false_positive: number; false_negative: number; true_negative: number }

/** The confusion of "score >= threshold". */
export function confusionAt({ scores, outcomes, weights, n }: BinarySample, threshold: number): Confusion {
  const confusion: Confusion = { true_positive: 0, false_positive: 0, false_negative: 0, true_negative: 0 }
  for (let row = 0; row < n; row++) confusion[kindOf(scores[row]! >= threshold, outcomes[row] === 1)] += weights[row]!
  return confusion
}

export type AtThreshold = { precision: Estimate; recall: Estimate; f1: Estimate; accuracy: Estimate }

/** Precision, recall, F1 and accuracy of "score >= threshold", the shares with Wilson's interval. */
export function atThreshold(sample: BinarySample, threshold: number): AtThreshold {
  const { scores, outcomes } = sample
  const isChosen = (row: number) => scores[row]! >= threshold
  const isPositive = (row: number) => outcomes[row] === 1
  return {
    precision: shareEstimate({ isConcerned: isChosen, isHit: isPositive }, sample),
    recall: shareEstimate({ isConcerned: isPositive, isHit: isChosen }, sample),
    f1: f1Score(sample, isChosen),
    accuracy: shareEstimate({ isConcerned: () => true, isHit: (row) => isChosen(row) === isPositive(row) }, sample),
  }
}

/** 2 TP / (2 TP + FP + FN), undefined where nothing was chosen and nothing came. */
function f1Score(sample: BinarySample, isChosen: (row: number) => boolean): Estimate {
  const { n, outcomes, dependence, rarer } = sample
  const hits = new Float64Array(n)
  const named = new Float64Array(n)
  for (let row = 0; row < n; row++) {
    named[row] = Number(isChosen(row)) + outcomes[row]!
    hits[row] = named[row] === 2 ? 2 : 0
  }
  const figure = ratioFigure(hits, named, sample)
  return Number.isNaN(figure.value) ? undefinedEstimate(n) : ratioEstimate(figure, { dependence, rarer })
}

/** The mean cost of a decision by "score >= threshold". */
export function meanCost(sample: BinarySample, threshold: number, costs: Costs): Estimate {
  const values = new Float64Array(sample.n)
  for (let row = 0; row < sample.n; row++) values[row] = costs[kindOf(sample.scores[row]! >= threshold, sample.outcomes[row] === 1)]
  return meanEstimate(values, sample, { rarer: sample.rarer })
}

function kindOf(isChosen: boolean, isPositive: boolean): keyof Costs {
  if (isChosen) return isPositive ? 'true_positive' : 'false_positive'
  return isPositive ? 'false_negative' : 'true_negative'
}
