import { canonicalHash } from '../../contracts/canonical-json.ts'
import { ServiceError } from '../../contracts/errors.ts'

/** A loss per decision that has an upper bound, so that a row without a label or an answer is bounded too. */
export type LossSetup =
  /** (probability - outcome)², the probability kept within 0 and 1. */
  | { kind: 'brier' }
  /** -ln of the probability of what happened, which is kept `epsilon` from 0 and 1. */
  | { kind: 'log_loss'; epsilon: number }
  /** (prediction - outcome)², both kept within the bounds. */
  | { kind: 'squared_error'; min: number; max: number }

/** What is declared before the start of a comparison: another one in any part is another comparison. */
export type ComparisonSetup = {
  model: string
  label: string
  champion: string
  challenger: string
  loss: LossSetup
  /** The difference of mean losses that does not matter; without it nothing is ever `no_difference`. */
  no_difference_over?: number
  /** UTC days in a block. */
  block_days: number
  /** The probability of a wrong call, over all looks and over all comparisons since the last promotion. */
  level: number
  /** Which comparison since the last promotion this is, counted from 1. */
  comparison: number
  /** RFC 3339. Decisions with an earlier anchor time do not take part. */
  started_at: string
  /** RFC 3339: the anchor time up to which either version's training labels go. Earlier decisions do not take part. */
  trained_until?: string
  /** The roles whose entities are clusters; with none each decision is one. */
  entities: string[]
  /** Decisions with one of these tags do not take part. */
  excluded_tags: string[]
}

export const defaultSetup = { block_days: 2, level: 0.05, comparison: 1, entities: [], excluded_tags: [] }

export function setupHash(setup: ComparisonSetup): string {
  return canonicalHash(setup)
}

/** The level of this comparison, a / (k (k + 1)): those of all comparisons add up to a. */
export function levelOf({ level, comparison }: Pick<ComparisonSetup, 'level' | 'comparison'>): number {
  return level / (comparison * (comparison + 1))
}

/** Throws `invalid_config` for a set-up that nothing can be judged by. */
export function requireSetup(setup: ComparisonSetup): void {
  const { loss } = setup
  const problems = [
    setup.champion === setup.challenger && 'a version is not compared with itself',
    !(Number.isInteger(setup.block_days) && setup.block_days >= 1) && 'block_days is a whole number from 1',
    !(setup.level > 0 && setup.level < 1) && 'level lies between 0 and 1',
    !(Number.isInteger(setup.comparison) && setup.comparison >= 1) && 'comparison is a whole number from 1',
    setup.no_difference_over !== undefined && !(setup.no_difference_over > 0) && 'no_difference_over is above 0',
    Number.isNaN(Date.parse(setup.started_at)) && 'started_at is a time',
    setup.trained_until !== undefined && Number.isNaN(Date.parse(setup.trained_until)) && 'trained_until is a time',
    loss.kind === 'log_loss' && !(loss.epsilon > 0 && loss.epsilon < 0.5) && 'epsilon lies between 0 and 0.5',
    loss.kind === 'squared_error' && !(loss.min < loss.max && Number.isFinite(loss.max - loss.min)) && 'min lies below max',
  ].filter((problem) => problem !== false)
  if (problems.length > 0) throw new ServiceError('invalid_config', `comparison: ${problems.join('; ')}`)
}
