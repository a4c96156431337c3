import { type Dependence, independentRows } from './dependence.ts'
import { orderByValue } from './order.ts'
import { fewestHolding } from './variance.ts'

/** Weights of rows, none negative; each row weighs 1 where they are left out. */
type Weighted = { weights?: Float64Array | undefined }

/** Scores and outcomes of the same rows; an outcome is 1 or 0. */
export type Scored = Weighted & { scores: Float64Array; outcomes: Uint8Array }

/** Predicted and observed values of the same rows. */
export type Estimates = Weighted & { predicted: Float64Array; observed: Float64Array }

/** What all figures of a sample share: its weights, their sum, and how rows depend on each other. */
export type Sample = { n: number; weights: Float64Array; totalWeight: number; dependence: Dependence }

/** The rows of a model of two classes, ordered once. */
export type BinarySample = Sample &
  Scored & {
    weights: Float64Array
    /** Row numbers by score ascending, NaN last. */
    order: Uint32Array
    weightOf: { positives: number; negatives: number }
    /** The fewest clusters, over roles, that hold a row of the rarer class. */
    rarer: number
    hasNaN: boolean
  }

export type RegressionSample = Sample & Estimates & { weights: Float64Array; errors: Float64Array }

export function sampleOf(n: number, weights: Float64Array | undefined, dependence = independentRows(n)): Sample {
  const known = weights ?? new Float64Array(n).fill(1)
  let totalWeight = 0
  for (let row = 0; row < n; row++) totalWeight += known[row]!
  return { n, weights: known, totalWeight, dependence }
}

/** Takes rows of two classes as a sample; `dependence` says how they depend on each other, independent where it is left out. */
export function binarySample({ scores, outcomes, weights }: Scored, dependence?: Dependence): BinarySample {
  const sample = sampleOf(scores.length, weights, dependence)
  const order = orderByValue(scores)
  const weightOf = { positives: 0, negatives: 0 }
  for (let row = 0; row < sample.n; row++) weightOf[outcomes[row] === 1 ? 'positives' : 'negatives'] += sample.weights[row]!
  const holding = (outcome: number) => fewestHolding(sample.dependence, (row) => outcomes[row] === outcome)
  const rarer = Math.min(holding(0), holding(1))
  return { ...sample, scores, outcomes, order, weightOf, rarer, hasNaN: Number.isNaN(scores[order.at(-1) ?? 0] ?? 0) }
}

/** Takes predicted and observed numbers as a sample. Errors are predicted less observed: positive where the model said too much. */
export function regressionSample({ predicted, observed, weights }: Estimates, dependence?: Dependence): RegressionSample {
  const sample = sampleOf(predicted.length, weights, dependence)
  const errors = new Float64Array(sample.n)
  for (let row = 0; row < sample.n; row++) errors[row] = predicted[row]! - observed[row]!
  return { ...sample, predicted, observed, errors }
}
