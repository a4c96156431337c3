import type { Clock } from './clock.ts'
import { compareText } from './compare-text.ts'
import { groupBy } from './group-by.ts'
import type { Decision, LedgerPrediction } from './outcome.ts'

/** The decisions that count at the time, each by those of its predictions that count then. */
export function decisionsAt(predictions: readonly LedgerPrediction[], clock: Clock): Decision[] {
  const counted = predictions.filter((prediction) => isCountedAt(prediction, clock))
  const decisions = groupBy(counted, ({ tenant, decisionId }) => JSON.stringify([tenant, decisionId]))
  return [...decisions.values()].map((own) => toDecision(own.toSorted(compareReceipts), clock))
}

function isCountedAt({ predictedAtMs, anchorTimeMs }: LedgerPrediction, { asOf, knownAsOf }: Clock): boolean {
  return asOf === undefined ? anchorTimeMs <= knownAsOf : predictedAtMs <= asOf
}

/** `predictions` are those of one decision, in the order in which they were received. */
function toDecision(predictions: readonly LedgerPrediction[], clock: Clock): Decision {
  const { predictionId: _, predictedAtMs: __, told: ___, ...first } = predictions[0]!
  const told = predictions.find((prediction) => prediction.told !== undefined)
  return { ...first, predictionIds: predictions.map(({ predictionId }) => predictionId), fate: told && fateAt(told, clock) }
}

/**
 * A record of a fate counts from when it was known. The order of the log settles predictions without a record, and does not say
 * when: they count as answered from the start.
 */
function fateAt({ told }: LedgerPrediction, { asOf }: Clock): Decision['fate'] {
  const { isSettled, records } = told!
  const known = new Set(records.filter(({ ingestedAtMs }) => asOf === undefined || ingestedAtMs <= asOf).map(({ fate }) => fate))
  if (known.has('answered') || known.has('delivered')) return 'answered'
  if (known.has('unanswered')) return 'unanswered'
  return isSettled && records.length === 0 ? 'answered' : 'unknown'
}

/** The order in which records were received. */
export function compareReceipts({ receipt: a }: Pick<Decision, 'receipt'>, { receipt: b }: Pick<Decision, 'receipt'>): number {
  return a.ingestedAtMs - b.ingestedAtMs || compareText(a.writerId, b.writerId) || a.epoch - b.epoch || a.seq - b.seq
}
