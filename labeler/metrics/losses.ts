import type { Estimate } from './estimate.ts'
import { meanEstimate } from './mean.ts'
import type { BinarySample } from './sample.ts'

/** A probability kept 2⁻⁵² from 0 and 1, as in scikit-learn. */
export function clipProbability(probability: number): number {
  return Math.min(Math.max(probability, Number.EPSILON), 1 - Number.EPSILON)
}

/** Mean negative log-likelihood in nats, probabilities clipped. */
export function logLoss(sample: BinarySample): Estimate {
  const losses = new Float64Array(sample.n)
  for (let row = 0; row < sample.n; row++) {
    const probability = clipProbability(sample.scores[row]!)
    losses[row] = -Math.log(sample.outcomes[row] === 1 ? probability : 1 - probability)
  }
  return meanEstimate(losses, sample, { range: { least: 0 }, rarer: sample.rarer })
}

/** Mean squared difference of probability and outcome. */
export function brierScore(sample: BinarySample): Estimate {
  const losses = new Float64Array(sample.n)
  for (let row = 0; row < sample.n; row++) losses[row] = (sample.scores[row]! - sample.outcomes[row]!) ** 2
  return meanEstimate(losses, sample, { range: { least: 0, most: 1 }, rarer: sample.rarer })
}
