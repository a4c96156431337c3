import type { Score } from '../../contracts/model-definition.ts'
import type { PredictionRow } from './prediction-rows.ts'

type ScoredRow = Pick<PredictionRow, 'score' | 'score_text' | 'probabilities'>

/** What a prediction of several classes says: the class, and how likely each was, in the order of the model's categories. */
export type SaidClass = {
  name: string
  likelihoodOf(category: string): number
  /** The likeliest class, the first of equals, and its probability; undefined where the model gives no probabilities. */
  likeliest: { name: string; probability: number } | undefined
}

/** How far a row's probabilities may be from 1 together: what rounding to half precision leaves. */
const sumTolerance = 1e-2

/** Reads which class a prediction names, for a model of several; undefined where it names none. */
export function createClassReader({ output, probabilities }: Extract<Score, { kind: 'class' }>) {
  const categories = Object.keys(probabilities ?? {})
  return ({ score, score_text: text, probabilities: given }: ScoredRow): SaidClass | undefined => {
    const likely = given.length === 0 ? undefined : categories[given.indexOf(Math.max(...given))]
    const stated = text ?? (score === null ? undefined : String(score))
    const name = output === undefined ? likely : stated
    if (name === undefined) return undefined
    const isDistribution =
      given.every((share) => share >= 0 && share <= 1) && Math.abs(given.reduce((sum, share) => sum + share, 0) - 1) < sumTolerance
    return {
      name,
      likelihoodOf: (category) => (isDistribution ? (given[categories.indexOf(category)] ?? Number.NaN) : Number.NaN),
      likeliest: isDistribution && likely !== undefined ? { name: likely, probability: Math.max(...given) } : undefined,
    }
  }
}
