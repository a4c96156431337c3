import { labelSourceKinds } from '../../contracts/label-event.ts'
import { type Clock, timeOf } from './clock.ts'
import { compareText } from './compare-text.ts'
import { decisionsAt } from './decisions-at.ts'
import type { Decision, LabelStatement, LedgerPrediction, Outcome } from './outcome.ts'
import { groupBy } from './group-by.ts'
import { isCounted, leftOutOf, type Question, toQuestions } from './questions.ts'
import type { LabelRule, OutcomeRules } from './outcome-rules.ts'

export type Ledger = { predictions: readonly LedgerPrediction[]; statements: readonly LabelStatement[] }

/**
 * The outcomes as of a time, written for clarity: the reference that the generated SQL must equal. One outcome per
 * decision for its model's primary label and for every other label that matched it or another attempt at its question.
 */
export function resolveOutcomes(rules: OutcomeRules, ledger: Ledger, clock: Clock): Outcome[] {
  const questions = toQuestions(decisionsAt(ledger.predictions, clock))
  const asOfMs = timeOf(clock)
  return rules.labels.flatMap((rule) => {
    const known = ledger.statements.filter((statement) => statement.label === rule.label && countsFrom(statement, clock) <= asOfMs)
    const superseded = supersededBy(known)
    const matched = matchesByQuestion(rule, known, questions)
    return questions
      .filter((question) => matched.has(question) || rules.primaryLabels.get(question.chosen.model) === rule.label)
      .flatMap((question) => toOutcomes({ rule, question, statements: matched.get(question) ?? [], superseded, asOfMs }))
  })
}

/** Recorded statements are visible once they are both known and received; in hindsight once they could be known. */
function countsFrom({ knownAtMs, ingestedAtMs }: LabelStatement, { asOf }: Clock): number {
  return asOf === undefined ? knownAtMs : Math.max(knownAtMs, ingestedAtMs)
}

/** Whether the label speaks about the decision, before `which` has chosen among several. */
export function isMatch(rule: LabelRule, statement: LabelStatement, decision: Decision): boolean {
  if (statement.tenant !== decision.tenant) return false
  if (statement.predictionId !== undefined) return decision.predictionIds.includes(statement.predictionId)
  if (statement.requestId !== undefined)
    return statement.requestId === decision.requestId && (statement.index === undefined || statement.index === decision.index)
  return isEntityMatch(rule, statement, decision)
}

function isEntityMatch(rule: LabelRule, statement: LabelStatement, decision: Decision): boolean {
  const roles = Object.entries(statement.entities ?? {})
  if (roles.length === 0 || !roles.every(([name, id]) => decision.entities[name] === id)) return false
  if (statement.anchor !== undefined && statement.anchor !== decision.anchor) return false
  if (statement.anchorTimeMs !== undefined && statement.anchorTimeMs !== decision.anchorTimeMs) return false
  if (rule.windowMs === 0) return statement.anchorTimeMs !== undefined
  return decision.anchorTimeMs >= statement.eventTimeMs - rule.windowMs && decision.anchorTimeMs < statement.eventTimeMs
}

/** The statements that match each question; one that reaches an attempt at a question holds for all of its attempts. */
function matchesByQuestion(
  rule: LabelRule,
  known: readonly LabelStatement[],
  questions: readonly Question[],
): Map<Question, LabelStatement[]> {
  const matches = new Map<Question, LabelStatement[]>()
  for (const statement of known) {
    const candidates = questions.filter(({ attempts }) => attempts.some((decision) => isMatch(rule, statement, decision)))
    for (const question of choose(rule, candidates)) matches.set(question, [...(matches.get(question) ?? []), statement])
  }
  return matches
}

/**
 * The questions that a statement holds for: `which` chooses within a model and an anchor, because each has an evaluation of its
 * own. Unanswered attempts give way.
 */
function choose(rule: LabelRule, candidates: readonly Question[]): readonly Question[] {
  if (rule.which === 'all') return candidates
  const groups = groupBy(candidates, ({ chosen }) => JSON.stringify([chosen.model, chosen.anchor]))
  return [...groups.values()].flatMap((group) => {
    const preferred = group.some(isCounted) ? group.filter(isCounted) : group
    const ordered = preferred.toSorted(
      ({ chosen: a }, { chosen: b }) => a.anchorTimeMs - b.anchorTimeMs || compareText(a.decisionId, b.decisionId),
    )
    return ordered.slice(...(rule.which === 'first' ? [0, 1] : [-1]))
  })
}

/** The ids of superseded statements. One stays superseded even when the statement that superseded it is superseded, so in a circle nothing stands. */
function supersededBy(known: readonly LabelStatement[]): Set<string> {
  const withdrawals = known.filter((statement) => statement.supersedes !== undefined)
  return new Set(withdrawals.map((statement) => JSON.stringify([statement.tenant, statement.supersedes])))
}

type MatchedQuestion = {
  rule: LabelRule
  question: Question
  statements: readonly LabelStatement[]
  superseded: ReadonlySet<string>
  asOfMs: number
}

function toOutcomes({ question, ...rest }: MatchedQuestion): Outcome[] {
  return question.attempts.map((decision) => ({
    ...toOutcome(decision, rest),
    leftOut: leftOutOf(decision, question),
    attempts: question.attempts.length,
  }))
}

type Resolved = Omit<Outcome, 'leftOut' | 'attempts'>

function toOutcome(decision: Decision, { rule, statements, superseded, asOfMs }: Omit<MatchedQuestion, 'question'>): Resolved {
  const { tenant, decisionId, model, anchor, anchorTimeMs } = decision
  const maturesAtMs = anchorTimeMs + rule.maturityMs
  const { label, definitionSha256 } = rule
  const base = { tenant, decisionId, label, definitionSha256, model, anchor, anchorTimeMs, maturesAtMs, statements: statements.length }
  const winners = strongest(standingPerSource(statements, superseded))
  const [first] = winners
  if (first !== undefined) {
    if (winners.some((winner) => valueOf(winner) !== valueOf(first))) return { ...base, state: 'conflicted' }
    const knownAtMs = Math.min(...winners.map((winner) => winner.knownAtMs))
    return { ...base, state: 'labeled', knownAtMs, ...toValue(first) }
  }
  if (maturesAtMs > asOfMs) return { ...base, state: 'pending' }
  if (statements.length > 0) return { ...base, state: 'retracted' }
  return rule.silence === 'negative' ? { ...base, state: 'negative', outcome: 0, knownAtMs: maturesAtMs } : { ...base, state: 'expired' }
}

/** The newest statement of each source that is not superseded, if it says a value. */
function standingPerSource(statements: readonly LabelStatement[], superseded: ReadonlySet<string>): LabelStatement[] {
  const live = statements.filter((statement) => !superseded.has(JSON.stringify([statement.tenant, statement.labelId])))
  const sources = groupBy(live, ({ source }) => JSON.stringify([source.kind, source.name, source.labeler ?? '']))
  return [...sources.values()]
    .flatMap((group) => group.toSorted(compareStatements).slice(-1))
    .filter((newest) => !newest.retracted && (newest.valueNumber !== undefined || newest.valueText !== undefined))
}

/** The order of one source's statements, oldest first. */
function compareStatements(a: LabelStatement, b: LabelStatement): number {
  return (
    a.knownAtMs - b.knownAtMs ||
    a.ingestedAtMs - b.ingestedAtMs ||
    compareText(a.origin.writerId, b.origin.writerId) ||
    a.origin.epoch - b.origin.epoch ||
    a.origin.seq - b.origin.seq
  )
}

function strongest(standing: readonly LabelStatement[]): LabelStatement[] {
  const best = Math.min(...standing.map(rankOf))
  return standing.filter((statement) => rankOf(statement) === best)
}

/** 0 is the strongest kind; a kind that this build does not know is the weakest. */
function rankOf({ source }: LabelStatement): number {
  const rank = (labelSourceKinds as readonly string[]).indexOf(source.kind)
  return rank === -1 ? labelSourceKinds.length : rank
}

function valueOf(statement: LabelStatement): string {
  return JSON.stringify([statement.valueNumber, statement.valueText])
}

function toValue({ valueNumber, valueText }: LabelStatement): Pick<Outcome, 'outcome' | 'outcomeText'> {
  return {
    ...(valueNumber === undefined ? {} : { outcome: valueNumber }),
    ...(valueText === undefined ? {} : { outcomeText: valueText }),
  }
}
