import { type Estimate, undefinedEstimate } from './estimate.ts'
import { intervalOf } from './interval.ts'
import { clipProbability } from './losses.ts'
import type { BinarySample } from './sample.ts'

/**
 * Logistic recalibration (Cox 1958) on the logit of the score: `slope` is b of logit P(1) = a + b · logit(score), fitted by maximum
 * likelihood, and 1 where scores are neither too extreme nor too timid; `intercept` is a of logit P(1) = a + logit(score), the
 * calibration in the large of Van Calster and others (2019), and 0 where scores are right in the mean. The intercept is undefined with one
 * class, the slope also where classes do not overlap, or all scores are equal.
 */
export function recalibration(sample: BinarySample): { slope: Estimate; intercept: Estimate } {
  const { n, scores, weightOf } = sample
  if (weightOf.positives === 0 || weightOf.negatives === 0) return { slope: undefinedEstimate(n), intercept: undefinedEstimate(n) }
  const logits = new Float64Array(n)
  for (let row = 0; row < n; row++) {
    const probability = clipProbability(scores[row]!)
    logits[row] = Math.log(probability) - Math.log1p(-probability)
  }
  return {
    slope: overlaps(sample) ? estimateOf(sample, logits, 'slope') : undefinedEstimate(n),
    intercept: estimateOf(sample, logits, 'intercept'),
  }
}

/** Whether some positive lies below a negative and some above one: else no finite slope is the likeliest. */
function overlaps({ scores, outcomes, n }: BinarySample): boolean {
  const ends = [
    { least: Infinity, most: -Infinity },
    { least: Infinity, most: -Infinity },
  ]
  for (let row = 0; row < n; row++) {
    const end = ends[outcomes[row] === 1 ? 1 : 0]!
    end.least = Math.min(end.least, clipProbability(scores[row]!))
    end.most = Math.max(end.most, clipProbability(scores[row]!))
  }
  return ends[1]!.least < ends[0]!.most && ends[0]!.least < ends[1]!.most
}

const mostSteps = 200

/** Fits by Newton's steps, halved while the likelihood does not rise; each row's influence is its score by the inverse information. */
function estimateOf(sample: BinarySample, logits: Float64Array, parameter: 'slope' | 'intercept'): Estimate {
  const { n, dependence, rarer, outcomes, weights } = sample
  let at: Coefficients = { a: 0, b: 1 }
  let here = momentsAt(sample, logits, at)
  for (let step = 0; step < mostSteps; step++) {
    const move = solve(here, parameter)
    let share = 1
    let next = momentsAt(sample, logits, { a: at.a + move.a, b: at.b + move.b })
    while (!(next.likelihood >= here.likelihood - 1e-12 * Math.abs(here.likelihood)) && share > 1e-20) {
      share /= 2
      next = momentsAt(sample, logits, { a: at.a + share * move.a, b: at.b + share * move.b })
    }
    at = { a: at.a + share * move.a, b: at.b + share * move.b }
    here = next
    if (Math.abs(share * move.a) + Math.abs(share * move.b) < 1e-13 * (1 + Math.abs(at.a) + Math.abs(at.b))) break
  }
  const influence = new Float64Array(n)
  for (let row = 0; row < n; row++) {
    const residual = weights[row]! * (outcomes[row]! - expit(at.a + at.b * logits[row]!))
    const move = solve({ ...here, byIntercept: residual, bySlope: residual * logits[row]! }, parameter)
    influence[row] = parameter === 'slope' ? move.b : move.a
  }
  return intervalOf({ value: parameter === 'slope' ? at.b : at.a, influence, n }, { dependence, rarer })
}

type Coefficients = { a: number; b: number }
/** The log-likelihood, its gradient, and the information matrix. */
type Moments = { likelihood: number; byIntercept: number; bySlope: number; aa: number; ab: number; bb: number }

function momentsAt({ n, outcomes, weights, totalWeight }: BinarySample, logits: Float64Array, { a, b }: Coefficients): Moments {
  const moments: Moments = { likelihood: 0, byIntercept: 0, bySlope: 0, aa: 0, ab: 0, bb: 0 }
  for (let row = 0; row < n; row++) {
    const logit = logits[row]!
    const linear = a + b * logit
    const p = expit(linear)
    const residual = weights[row]! * (outcomes[row]! - p)
    const information = weights[row]! * p * (1 - p)
    moments.likelihood -= (weights[row]! / totalWeight) * softplus(outcomes[row] === 1 ? -linear : linear)
    moments.byIntercept += residual
    moments.bySlope += residual * logit
    moments.aa += information
    moments.ab += information * logit
    moments.bb += information * logit * logit
  }
  return moments
}

/** The step that the information matrix makes of a gradient; with the slope held at 1, of the intercept alone. */
function solve({ byIntercept, bySlope, aa, ab, bb }: Omit<Moments, 'likelihood'>, parameter: 'slope' | 'intercept'): Coefficients {
  if (parameter === 'intercept') return { a: byIntercept / aa, b: 0 }
  const determinant = aa * bb - ab * ab
  return { a: (bb * byIntercept - ab * bySlope) / determinant, b: (aa * bySlope - ab * byIntercept) / determinant }
}

function expit(x: number): number {
  return 1 / (1 + Math.exp(-x))
}

function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
}
