import { compareReceipts } from './decisions-at.ts'
import { groupBy } from './group-by.ts'
import type { Decision } from './outcome.ts'

/** Decisions that ask the same, in the order of the ledger. `chosen` counts, unless nobody was answered. */
export type Question = { attempts: readonly Decision[]; chosen: Decision }

export function toQuestions(decisions: readonly Decision[]): Question[] {
  const groups = groupBy(decisions, ({ tenant, question, decisionId }) => JSON.stringify([tenant, question ?? decisionId]))
  return [...groups.values()].map((attempts) => ({ attempts, chosen: attempts.toSorted(compareAttempts).at(-1)! }))
}

export function isCounted({ chosen }: Question): boolean {
  return chosen.fate !== 'unanswered'
}

/** Why the decision does not count; undefined where it does. */
export function leftOutOf(decision: Decision, { chosen }: Question): 'unanswered' | 'repeated' | undefined {
  if (decision.fate === 'unanswered') return 'unanswered'
  return decision === chosen ? undefined : 'repeated'
}

/** The order of attempts at one question, of which the last counts: an answered one, else one whose fate nobody knows; among equals the latest. */
function compareAttempts(a: Decision, b: Decision): number {
  return rankOf(a) - rankOf(b) || compareReceipts(a, b)
}

function rankOf({ fate }: Decision): number {
  if (fate === 'answered') return 2
  return fate === 'unanswered' ? 0 : 1
}
