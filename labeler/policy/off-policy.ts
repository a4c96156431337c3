import { clusteredRows, type Dependence, toClusters } from '../metrics/dependence.ts'
import type { Estimate } from '../metrics/estimate.ts'
import { intervalOf } from '../metrics/interval.ts'
import { type LoggedDecision, type WeightedDecision, weigh } from './logged-decision.ts'
import { fitRewards, type RewardModel } from './reward-model.ts'

/** Why a rule's value cannot be told from what was logged. */
export type Refusal =
  /** The label does not depend on the action: every rule can be judged by every label, with no weights. */
  | 'label_independent_of_action'
  | 'no_decisions'
  /** Over 1 % of the rule's actions had no probability: nobody would have done them there, or a version's decision is not known. */
  | 'actions_without_propensity'
  /** The weights are worth those of fewer than 100 keys. */
  | 'too_few_effective_keys'
  /** One key has over 5 % of all weight. */
  | 'weight_too_large'

export const mostWithoutPropensity = 0.01
export const leastEffectiveKeys = 100
export const mostWeightShare = 0.05

/** What a rule would have brought per decision. Intervals are clustered by the sticky key, for one look. */
export type OffPolicyValue = {
  refused: Refusal[]
  /** Self-normalised inverse propensity; left out where it is refused. */
  self_normalised?: Estimate
  /** Doubly robust: rewards foretold from the score, corrected by the weighted errors of what was done. */
  doubly_robust?: Estimate
  /** The doubly robust value less that of what was done. */
  gain?: Estimate
  /** What was done brought so much. */
  logged: Estimate
  decisions: number
  keys: number
  /** Decisions on which what was done is what the rule would do. */
  matched: number
  /** (Σ w)² / Σ w² over the keys' weights w. */
  effective_keys: number
  largest_weight: number
  /** The largest share of all weight that one key has. */
  largest_key_share: number
  /** The share of the rule's actions that had no probability. */
  without_propensity: number
  left_out: { pinned: number; shadow: number; no_reward: number }
}

export type OffPolicyOptions = {
  labelDependsOnAction: boolean
  /** Foretells rewards; without it they are the means by action and tenth of the score of other keys. */
  rewardModel?: RewardModel
}

/** Judges a rule by the decisions of others (inverse propensity scoring: Horvitz and Thompson; doubly robust: Dudík, Langford and Li 2011). */
export function offPolicyValue(rows: readonly LoggedDecision[], { labelDependsOnAction, rewardModel }: OffPolicyOptions): OffPolicyValue {
  const leftOut = { pinned: 0, shadow: 0, no_reward: 0 }
  const usable = rows.filter((row) => {
    const why = leftOutBecause(row)
    if (why !== undefined) leftOut[why] += 1
    return why === undefined
  })
  const weighed = usable.flatMap((row) => weigh(row) ?? [])
  const without = usable.length - weighed.length + weighed.filter(({ targetPropensity }) => targetPropensity === 0).length
  const weights = weightsOf(weighed)
  const judged = {
    logged: meanEstimate(
      usable.map(({ reward }) => reward),
      usable,
    ),
    decisions: usable.length,
    matched: weighed.filter(({ weight }) => weight > 0).length,
    ...weights,
    without_propensity: usable.length === 0 ? 0 : without / usable.length,
    left_out: leftOut,
  }
  const refused = refusalsOf(judged, labelDependsOnAction)
  if (refused.length > 0) return { refused, ...judged }
  const robust = doublyRobustTerms(weighed, rewardModel ?? fitRewards(usable))
  const own = weighed.map(({ row }) => row)
  return {
    refused,
    self_normalised: selfNormalised(weighed),
    doubly_robust: meanEstimate(robust, own),
    gain: meanEstimate(
      robust.map((term, index) => term - own[index]!.reward),
      own,
    ),
    ...judged,
  }
}

function leftOutBecause({ pinned, shadow, reward }: LoggedDecision): keyof OffPolicyValue['left_out'] | undefined {
  if (pinned === true) return 'pinned'
  if (shadow === true) return 'shadow'
  return Number.isFinite(reward) ? undefined : 'no_reward'
}

function weightsOf(weighed: readonly WeightedDecision[]) {
  const ofKeys = new Map<string, number>()
  let largest = 0
  for (const { row, weight } of weighed) {
    ofKeys.set(row.stickyKey, (ofKeys.get(row.stickyKey) ?? 0) + weight)
    largest = Math.max(largest, weight)
  }
  let [total, squares, most] = [0, 0, 0]
  for (const weight of ofKeys.values()) {
    total += weight
    squares += weight ** 2
    most = Math.max(most, weight)
  }
  return {
    keys: ofKeys.size,
    effective_keys: squares === 0 ? 0 : total ** 2 / squares,
    largest_weight: largest,
    largest_key_share: total === 0 ? 0 : most / total,
  }
}

type Judged = Pick<OffPolicyValue, 'decisions' | 'effective_keys' | 'largest_key_share' | 'without_propensity'>

function refusalsOf(judged: Judged, labelDependsOnAction: boolean): Refusal[] {
  if (!labelDependsOnAction) return ['label_independent_of_action']
  if (judged.decisions === 0) return ['no_decisions']
  const refused: Refusal[] = []
  if (judged.without_propensity > mostWithoutPropensity) refused.push('actions_without_propensity')
  if (judged.effective_keys < leastEffectiveKeys) refused.push('too_few_effective_keys')
  if (judged.largest_key_share > mostWeightShare) refused.push('weight_too_large')
  return refused
}

function selfNormalised(weighed: readonly WeightedDecision[]): Estimate {
  const n = weighed.length
  const total = weighed.reduce((sum, { weight }) => sum + weight, 0)
  const value = weighed.reduce((sum, { row, weight }) => sum + weight * row.reward, 0) / total
  const influence = Float64Array.from(weighed, ({ row, weight }) => (weight * (row.reward - value)) / total)
  return intervalOf({ value, influence, n }, { dependence: byKey(weighed.map(({ row }) => row)) })
}

/** What the model foretells of the rule's action, and where that was done, the weighted error of what it foretold. */
function doublyRobustTerms(weighed: readonly WeightedDecision[], rewardOf: RewardModel): number[] {
  return weighed.map(({ row, weight }) => rewardOf(row, row.target) + (weight > 0 ? weight * (row.reward - rewardOf(row, row.action)) : 0))
}

function meanEstimate(values: readonly number[], rows: readonly LoggedDecision[]): Estimate {
  const n = values.length
  if (n === 0) return { n, method: 'none' }
  const value = values.reduce((sum, each) => sum + each, 0) / n
  const influence = Float64Array.from(values, (each) => (each - value) / n)
  return intervalOf({ value, influence, n }, { dependence: byKey(rows) })
}

function byKey(rows: readonly LoggedDecision[]): Dependence {
  return clusteredRows({ entities: [toClusters(rows.map(({ stickyKey }) => stickyKey))], days: undefined, n: rows.length })
}
