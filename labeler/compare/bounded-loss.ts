import type { Interval } from './interval.ts'
import type { LossSetup } from './comparison-setup.ts'

/** A loss from 0 to `bound` of a score and an outcome. The difference of two is monotone in the outcome, from `least` to `most`. */
export type BoundedLoss = {
  bound: number
  least: number
  most: number
  of(score: number, outcome: number): number
}

export function toBoundedLoss(setup: LossSetup): BoundedLoss {
  if (setup.kind === 'log_loss') {
    const { epsilon } = setup
    return { bound: -Math.log(epsilon), least: 0, most: 1, of: (score, outcome) => logLossOf(clip(score, epsilon, 1 - epsilon), outcome) }
  }
  const { least, most } = setup.kind === 'brier' ? { least: 0, most: 1 } : { least: setup.min, most: setup.max }
  return {
    bound: (most - least) ** 2,
    least,
    most,
    of: (score, outcome) => (clip(score, least, most) - clip(outcome, least, most)) ** 2,
  }
}

/** What two versions said of one decision, and what happened; what is not known is left out. */
export type PairedScores = { champion?: number | undefined; challenger?: number | undefined; outcome?: number | undefined }

/** The challenger's loss less the champion's, or where that is not known, all that it can be. */
export function differenceOf(loss: BoundedLoss, { champion, challenger, outcome }: PairedScores): Interval {
  if (champion !== undefined && challenger !== undefined && outcome !== undefined) {
    const difference = loss.of(challenger, outcome) - loss.of(champion, outcome)
    return { lower: difference, upper: difference }
  }
  const outcomes = outcome === undefined ? [loss.least, loss.most] : [outcome]
  const ofChampion = (at: number) => (champion === undefined ? [0, loss.bound] : [loss.of(champion, at)])
  const ofChallenger = (at: number) => (challenger === undefined ? [0, loss.bound] : [loss.of(challenger, at)])
  const all = outcomes.flatMap((at) => ofChallenger(at).flatMap((b) => ofChampion(at).map((a) => b - a)))
  return { lower: Math.min(...all), upper: Math.max(...all) }
}

function logLossOf(probability: number, outcome: number): number {
  return -outcome * Math.log(probability) - (1 - outcome) * Math.log1p(-probability)
}

function clip(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most)
}
