import { describe, expect, test } from 'vitest'
import type { Decision, FateRecord, LabelStatement, LedgerPrediction } from './outcome.ts'
import type { Clock } from './clock.ts'
import type { LabelRule } from './outcome-rules.ts'
import { isMatch, resolveOutcomes } from './resolve.ts'

const minute = 60_000
const rule: LabelRule = { label: 'late', definitionSha256: 'a', windowMs: 0, which: 'all', maturityMs: 60 * minute, silence: 'unknown' }
const decision: Decision = {
  tenant: 'default',
  decisionId: 'd1',
  predictionIds: ['p1', 'p2'],
  model: 'delay',
  requestId: 'r1',
  index: 0,
  entities: { flight: '7', origin: 'SFO' },
  anchor: 'departure',
  anchorTimeMs: 0,
  fate: 'answered',
  receipt: { ingestedAtMs: 0, writerId: 'gateway', epoch: 1, seq: 1 },
}
const statement: LabelStatement = {
  tenant: 'default',
  labelId: 'l1',
  label: 'late',
  predictionId: 'p2',
  valueNumber: 1,
  eventTimeMs: 10 * minute,
  knownAtMs: 20 * minute,
  source: { kind: 'outcome', name: 'airline' },
  retracted: false,
  ingestedAtMs: 20 * minute,
  origin: { writerId: 'gateway', epoch: 1, seq: 1 },
}
const place = (seq: number, more: Partial<LabelStatement['origin']> = {}) => ({ origin: { writerId: 'gateway', epoch: 1, seq, ...more } })
const untargeted = ({ predictionId: _, ...rest }: LabelStatement): LabelStatement => rest

function predictionsOf({ predictionIds, fate: _, ...rest }: Decision): LedgerPrediction[] {
  return predictionIds.map((predictionId) => ({ ...rest, predictionId, predictedAtMs: 0, told: { isSettled: true, records: [] } }))
}

function stateOf(statements: readonly Partial<LabelStatement>[], options: { atMinute: number; rule?: Partial<LabelRule> }) {
  const rules = { labels: [{ ...rule, ...options.rule }], primaryLabels: new Map([['delay', 'late']]) }
  const ledger = {
    predictions: predictionsOf(decision),
    statements: statements.map((one, number) => ({ ...statement, labelId: `l${number}`, ...one })),
  }
  const [outcome] = resolveOutcomes(rules, ledger, { knownAsOf: options.atMinute * minute })
  return outcome === undefined ? undefined : { state: outcome.state, ...(outcome.outcome !== undefined && { outcome: outcome.outcome }) }
}

describe('states', () => {
  const negative = { silence: 'negative' as const }
  test.each([
    ['pending until it is mature', [], 59, {}, { state: 'pending' }],
    ['expired once it is mature and silence means unknown', [], 60, {}, { state: 'expired' }],
    ['negative once it is mature and silence means no', [], 60, negative, { state: 'negative', outcome: 0 }],
    ['pending before the label was known', [{}], 19, negative, { state: 'pending' }],
    ['labeled from when it was known, mature or not', [{}], 20, negative, { state: 'labeled', outcome: 1 }],
    ['labeled by what came after maturity', [{ knownAtMs: 90 * minute }], 90, negative, { state: 'labeled', outcome: 1 }],
    ['pending when withdrawn before maturity', [{}, { retracted: true, knownAtMs: 30 * minute }], 40, {}, { state: 'pending' }],
    [
      'retracted, not negative, when withdrawn and mature',
      [{}, { retracted: true, knownAtMs: 30 * minute }],
      60,
      negative,
      { state: 'retracted' },
    ],
    [
      'labeled again by the source that withdrew',
      [{ retracted: true }, { valueNumber: 0, knownAtMs: 30 * minute }],
      60,
      {},
      { state: 'labeled', outcome: 0 },
    ],
    ['the newest of one source', [{ valueNumber: 0, knownAtMs: 30 * minute }, {}], 60, {}, { state: 'labeled', outcome: 0 }],
    [
      'of one instant, what was received last',
      [{ labelId: 'a', valueNumber: 0, ingestedAtMs: 21 * minute }, { labelId: 'b' }],
      60,
      {},
      { state: 'labeled', outcome: 0 },
    ],
    [
      'of one instant and receipt, the last of a writer, whatever its id',
      [
        { labelId: 'a', valueNumber: 0, ...place(10) },
        { labelId: 'b', ...place(9) },
      ],
      60,
      {},
      { state: 'labeled', outcome: 0 },
    ],
    [
      'of one instant and receipt, the later epoch before the greater seq',
      [{ valueNumber: 0, ...place(1, { epoch: 2 }) }, place(9)],
      60,
      {},
      { state: 'labeled', outcome: 0 },
    ],
    [
      'of one instant and receipt, the greater writer before the later epoch',
      [{ valueNumber: 0, ...place(1, { writerId: 'gateway-1' }) }, place(1, { epoch: 9 })],
      60,
      {},
      { state: 'labeled', outcome: 0 },
    ],
    ['nothing of a circle of supersedes', [{ supersedes: 'l1' }, { supersedes: 'l2' }, { supersedes: 'l0' }], 59, {}, { state: 'pending' }],
    ['not what supersedes itself', [{ supersedes: 'l0' }], 60, {}, { state: 'retracted' }],
    [
      'what lies beside a circle of supersedes',
      [{ supersedes: 'l1' }, { supersedes: 'l0' }, { valueNumber: 0 }],
      60,
      {},
      { state: 'labeled', outcome: 0 },
    ],
    [
      'an older statement when the newer one is superseded',
      [
        { labelId: 'old', valueNumber: 0 },
        { labelId: 'wrong', knownAtMs: 30 * minute },
        { supersedes: 'wrong', predictionId: 'elsewhere' },
      ],
      60,
      {},
      { state: 'labeled', outcome: 0 },
    ],
    [
      'conflicted when two sources of a kind differ',
      [{}, { valueNumber: 0, source: { kind: 'outcome', name: 'radar' } }],
      60,
      {},
      { state: 'conflicted' },
    ],
    [
      'conflicted when two labelers of a source differ',
      [{}, { valueNumber: 0, source: { kind: 'outcome', name: 'airline', labeler: 'ann' } }],
      60,
      {},
      { state: 'conflicted' },
    ],
    ['labeled when two sources agree', [{}, { source: { kind: 'outcome', name: 'radar' } }], 60, {}, { state: 'labeled', outcome: 1 }],
    [
      'the strongest kind, whenever it came',
      [{}, { valueNumber: 0, knownAtMs: 50 * minute, source: { kind: 'human', name: 'ann' } }],
      60,
      {},
      { state: 'labeled', outcome: 1 },
    ],
    [
      'the next kind once the strongest is withdrawn',
      [{ retracted: true }, { valueNumber: 0, source: { kind: 'weak', name: 'rule' } }],
      60,
      {},
      { state: 'labeled', outcome: 0 },
    ],
  ] as const)('%s', (_, statements, atMinute, changes, expected) => {
    expect(stateOf(statements, { atMinute, rule: changes })).toEqual(expected)
  })
})

describe('matching', () => {
  const window = { ...rule, windowMs: 30 * minute }
  const entities = { flight: '7' }
  test.each<[string, LabelRule, Partial<LabelStatement>, boolean]>([
    ['any prediction of the decision', rule, { predictionId: 'p1' }, true],
    ['another prediction', rule, { predictionId: 'p3' }, false],
    ['another tenant', rule, { predictionId: 'p1', tenant: 'other' }, false],
    ['a request, whichever instance', rule, { requestId: 'r1' }, true],
    ['another instance of the request', rule, { requestId: 'r1', index: 1 }, false],
    ['an entity at the anchor time', rule, { entities, anchorTimeMs: 0 }, true],
    ['an entity at another time', rule, { entities, anchorTimeMs: 1 }, false],
    ['an entity without a time, where the match is exact', rule, { entities }, false],
    ['an entity at another anchor', rule, { entities, anchorTimeMs: 0, anchor: 'gate' }, false],
    ['one of several entities that differs', rule, { entities: { flight: '7', origin: 'OAK' }, anchorTimeMs: 0 }, false],
    ['no entity', rule, { entities: {}, anchorTimeMs: 0 }, false],
    ['the first instant of the window', window, { entities, eventTimeMs: 30 * minute }, true],
    ['before the window', window, { entities, eventTimeMs: 30 * minute + 1 }, false],
    ['the instant of the event itself, which the window ends before', window, { entities, eventTimeMs: 0 }, false],
    ['an id, whatever the window', window, { requestId: 'r1', eventTimeMs: 99 * minute }, true],
  ])('%s', (_, labelRule, target, expected) => {
    expect(isMatch(labelRule, { ...untargeted(statement), ...target }, decision)).toBe(expected)
  })

  test.each([
    ['first', ['a']],
    ['last', ['c']],
    ['all', ['a', 'b', 'c']],
  ] as const)('of several decisions, %s counts, in each model and anchor', (which, expected) => {
    const at = (decisionId: string, anchorTimeMs: number, more: Partial<Decision> = {}) => ({
      ...decision,
      decisionId,
      predictionIds: [decisionId],
      anchorTimeMs,
      ...more,
    })
    const decisions = [at('c', 2), at('a', 1), at('b', 1), at('other', 5, { model: 'other' }), at('gate', 9, { anchor: 'gate' })]
    const ledger = { predictions: decisions.flatMap(predictionsOf), statements: [{ ...untargeted(statement), requestId: 'r1' }] }
    const outcomes = resolveOutcomes({ labels: [{ ...rule, which }], primaryLabels: new Map() }, ledger, { knownAsOf: 60 * minute })
    expect(outcomes.map(({ decisionId }) => decisionId).toSorted()).toEqual([...expected, 'gate', 'other'])
  })
})

describe('the two clocks', () => {
  const rules = { labels: [rule], primaryLabels: new Map([['delay', 'late']]) }
  const [served] = predictionsOf(decision) as [LedgerPrediction]
  const told = (clock: Clock, change: { prediction?: Partial<LedgerPrediction>; statement?: Partial<LabelStatement> } = {}) => {
    const ledger = {
      predictions: [{ ...served, ...change.prediction }],
      statements: [{ ...statement, predictionId: served.predictionId, ...change.statement }],
    }
    return resolveOutcomes(rules, ledger, clock).map(({ state, leftOut }) => leftOut ?? state)
  }
  const late = { statement: { ingestedAtMs: 50 * minute } }
  const backdated = { statement: { knownAtMs: 5 * minute, ingestedAtMs: 50 * minute } }
  const future = { prediction: { anchorTimeMs: 90 * minute } }
  const imported = { prediction: { predictedAtMs: 70 * minute } }
  const withFate = (...records: FateRecord[]) => ({ prediction: { told: { isSettled: true, records } } })
  const unanswered = withFate({ fate: 'unanswered', ingestedAtMs: 40 * minute })

  test.each<[string, Clock, Parameters<typeof told>[1], string[]]>([
    ['as of a time before a late statement came, it was not there', { asOf: 49 * minute }, late, ['pending']],
    ['in hindsight it was known from when it could be', { knownAsOf: 49 * minute }, late, ['labeled']],
    ['a backdated one does not change what was said', { asOf: 49 * minute }, backdated, ['pending']],
    ['and is told from when it was received', { asOf: 50 * minute }, backdated, ['labeled']],
    [
      'one that will be known later is not told when it is received',
      { asOf: 19 * minute },
      { statement: { ingestedAtMs: 0 } },
      ['pending'],
    ],
    ['a prediction of a future anchor was made', { asOf: 30 * minute }, future, ['labeled']],
    ['in hindsight an anchor that was not yet is not there', { knownAsOf: 30 * minute }, future, []],
    ['what was imported later had not been recorded', { asOf: 60 * minute }, imported, []],
    ['in hindsight it counts, whenever it was recorded', { knownAsOf: 60 * minute }, imported, ['labeled']],
    ['a fate counts from when it was known', { asOf: 39 * minute }, unanswered, ['labeled']],
    ['and then leaves the decision out', { asOf: 40 * minute }, unanswered, ['unanswered']],
    ['in hindsight always', { knownAsOf: 30 * minute }, unanswered, ['unanswered']],
  ])('%s', (_, clock, change, expected) => {
    expect(told(clock, change)).toEqual(expected)
  })
})
