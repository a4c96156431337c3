import type { Estimate } from './estimate.ts'
import { meanEstimate } from './mean.ts'
import type { Scored } from './scored.ts'

/** Mean negative log-likelihood in nats. Probabilities are kept 2⁻⁵² from 0 and 1, as in scikit-learn. */
export function logLoss({ scores, outcomes }: Scored): Estimate {
  return meanEstimate(
    scores.map((score, row) => {
      const probability = Math.min(Math.max(score, Number.EPSILON), 1 - Number.EPSILON)
      return -Math.log(outcomes[row] === 1 ? probability : 1 - probability)
    }),
    { least: 0 },
  )
}

/** Mean squared difference of probability and outcome. */
export function brierScore({ scores, outcomes }: Scored): Estimate {
  return meanEstimate(
    scores.map((score, row) => (score - (outcomes[row] ?? 0)) ** 2),
    { least: 0, most: 1 },
  )
}
