/** A decision that was acted on, and what each version that might have answered decided. */
export type LoggedDecision = {
  /** What routes go by. */
  stickyKey: string
  /** `decision.value` of the version that answered. */
  action: string
  /** What the action brought, by the declared costs: more is better. */
  reward: number
  /** The share of requests that goes to each version, and what its logged decision was; left out where it is not known. */
  versions: readonly { version: string; share: number; decision?: string | undefined }[]
  /** What the rule that is judged would have decided. */
  target: string
  /** By which rewards are foretold, as the served score. */
  score: number
  /** The caller chose the version. */
  pinned?: boolean
  /** Nobody acted on it. */
  shadow?: boolean
}

/** A decision with the probabilities with which what was done, and what the rule would do, came about. */
export type WeightedDecision = { row: LoggedDecision; propensity: number; weight: number; targetPropensity: number }

/**
 * The probability of an action is the sum of the shares of the versions that decided it. Undefined where a version that had a share
 * left no decision, or where the probability of what was done is 0, which says that the log is not of this routing.
 */
export function weigh(row: LoggedDecision): WeightedDecision | undefined {
  const routed = row.versions.filter(({ share }) => share > 0)
  if (routed.some(({ decision, share }) => decision === undefined || share > 1)) return undefined
  const propensityOf = (action: string) => routed.reduce((sum, { decision, share }) => sum + (decision === action ? share : 0), 0)
  const propensity = propensityOf(row.action)
  if (propensity === 0) return undefined
  return { row, propensity, weight: row.action === row.target ? 1 / propensity : 0, targetPropensity: propensityOf(row.target) }
}
