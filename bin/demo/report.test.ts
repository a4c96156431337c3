import { describe, expect, test } from 'vitest'
import type { EvaluationGroup } from '../../labeler/evaluate/evaluation.ts'
import { type DemoFacts, failuresOf } from './demo-facts.ts'
import { quantileOf, toReport } from './report.ts'

function group(version: string, route: 'champion' | 'shadow' | 'pinned', auc: number, labeled = 3): EvaluationGroup {
  const counts = {
    predictions: 4,
    unanswered: 0,
    repeated: 0,
    labeled,
    pending: 0,
    negative: 0,
    expired: 4 - labeled,
    conflicted: 0,
    retracted: 0,
    errors: 0,
    immature: 0,
  }
  const roc = { name: 'roc_auc', value: auc, lower: auc - 0.01, upper: auc + 0.01, n: labeled, method: 'delong' as const }
  return {
    model_version: version,
    route,
    anchor: 'departure',
    counts,
    metrics: [roc, { name: 'log_loss', value: 0.5, n: labeled, method: 't' }],
  }
}

/** The group without a figure for ROC AUC, as when all its flights ended alike. */
function withoutAuc(evaluated: EvaluationGroup): EvaluationGroup {
  const others = evaluated.metrics.filter(({ name }) => name !== 'roc_auc')
  return { ...evaluated, metrics: [{ name: 'roc_auc', n: evaluated.counts.labeled, method: 'none' }, ...others] }
}

function factsOf(changes: Partial<DemoFacts> = {}, groups = [group('1', 'shadow', 0.6), group('2', 'champion', 0.75)]): DemoFacts {
  const evaluation = { model: 'flight-delay', task: 'binary_classification', label: 'arrived_late', score: 'probability_late' } as const
  const answered = ['a', 'b', 'c', 'd']
  return {
    replay: {
      flights: 4,
      skipped: 0,
      attempted: answered,
      answered,
      unanswered: {},
      retries: 0,
      eventsSent: 5,
      eventsRejected: [],
      labelsSent: 3,
      labelsRejected: [],
      latenciesMs: [1, 2, 3, 40],
      predictingMs: 8,
      elapsedMs: 1500,
    },
    lost: [],
    stored: { attempts: 4, counted: 4, unanswered: 0, repeated: 0 },
    incomplete: 0,
    featureEvents: 4,
    rejects: 1,
    labelsDue: 3,
    evaluation: {
      ...evaluation,
      label_definition_sha256: 'a'.repeat(64),
      model_definition_sha256: 'b'.repeat(64),
      as_of: '',
      grouped_by: ['model_version', 'route', 'anchor'],
      confidence_level: 0.95,
      groups,
    },
    skew: { model: 'flight-delay', anchor_from: '', anchor_to: '', predictions: 8, compared: 24, late: 0, unexplained: 0, features: [] },
    reconcile: { ok: true, totals: { sealed: 9, stored: 9, expired: 0, missing: 0, open: 0, rejected: 1, double_payloads: 0 } },
    ...changes,
  }
}

describe('failuresOf', () => {
  test('finds nothing in a demo that is as it should be, whatever else was asked meanwhile', () => {
    expect(failuresOf(factsOf())).toEqual([])
    expect(failuresOf(factsOf({}, [group('1', 'shadow', 0.6), group('2', 'champion', 0.75), group('1', 'pinned', 0.1, 0)]))).toEqual([])
  })

  const { replay, stored, skew, reconcile } = factsOf()
  const withCounts = (evaluated: EvaluationGroup, counts: Partial<EvaluationGroup['counts']>) => ({
    ...evaluated,
    counts: { ...evaluated.counts, ...counts },
  })
  const served = (counts: Partial<EvaluationGroup['counts']> = {}, version = '2') => withCounts(group(version, 'champion', 0.75), counts)
  const shadow = (counts: Partial<EvaluationGroup['counts']> = {}) => withCounts(group('1', 'shadow', 0.6), counts)

  test('finds nothing where outcomes are too few for a figure, which the report says', () => {
    const facts = factsOf({}, [withoutAuc(served()), withoutAuc(shadow())])
    expect(failuresOf(facts)).toEqual([])
    const report = toReport(facts, { day: '2001-06-04', days: 1, hours: 1, gatewayUrl: 'http://localhost' })
    expect(report).toMatch(/^ {2}2 +champion +4 +undefined +0\.5000$/m)
    expect(report).toContain('ROC AUC cannot be computed without flights that were late and flights that were not')
  })

  test.each<[string, DemoFacts]>([
    ['2 requests got no answer: {"deadline_exceeded":2}', factsOf({ replay: { ...replay, unanswered: { deadline_exceeded: 2 } } })],
    ['1 answered predictions are not stored, the first is c', factsOf({ lost: ['c'] })],
    ['3 predictions count, of 4 flights', factsOf({ stored: { ...stored, attempts: 3, counted: 3 } })],
    [
      '6 predictions are stored, and 4 count beside 1 unanswered',
      factsOf({ stored: { ...stored, attempts: 6, unanswered: 1 } }, [served({ unanswered: 1 }), shadow()]),
    ],
    ['1 flights lack an answer, or it lacks features or a shadow', factsOf({ incomplete: 1 })],
    ['5 predictions are evaluated, of 4 flights', factsOf({}, [served({ predictions: 5 }), shadow()])],
    ['the evaluation leaves 1 predictions out, where 0 do not count', factsOf({}, [served({ repeated: 1 }), shadow()])],
    ['the evaluation leaves 0 predictions out, where 2 do not count', factsOf({ stored: { ...stored, attempts: 6, repeated: 2 } })],
    ['3 shadows are evaluated, of 4 flights', factsOf({}, [served(), shadow({ predictions: 3 })])],
    ['4 shadows are evaluated, of 4 flights, 1 of them without a score', factsOf({}, [served(), shadow({ errors: 1 })])],
    ['reconcile: 2 records are missing', factsOf({ reconcile: { ok: false, totals: { ...reconcile.totals, missing: 2 } } })],
    ['2 of 3 labels are joined', factsOf({}, [group('1', 'shadow', 0.6), group('2', 'champion', 0.75, 2)])],
    ["does not beat the baseline's (0.75)", factsOf({}, [group('1', 'shadow', 0.75), group('2', 'champion', 0.75)])],
    ['version 2 is not evaluated', factsOf({}, [served({}, '3'), shadow()])],
    ["the window version's ROC AUC (undefined)", factsOf({}, [withoutAuc(served()), shadow()])],
    ['1 served features differ from what their events give', factsOf({ skew: { ...skew, unexplained: 1 } })],
    ['1 served features differ from the full information', factsOf({ skew: { ...skew, late: 1 } })],
  ])('%s', (failure, facts) => {
    expect(failuresOf(facts)).toEqual([expect.stringContaining(failure)])
    expect(toReport(facts, { day: '2001-06-04', days: 7, gatewayUrl: 'http://localhost' })).toContain('NOT AS IT SHOULD BE')
  })
})

test('the report shows each figure', () => {
  const report = toReport(factsOf(), { day: '2001-06-04', days: 1, gatewayUrl: 'http://localhost:8080' })
  for (const line of [
    '  flights         4',
    '  predictions     4 of 4 answered',
    '  stored          4: 4 count, 0 unanswered, 0 repeated; every answer is stored',
    '  evaluated       4, and 4 shadows',
    '  rejects         1 with an impossible delay',
    '  labels          3 of 3 joined, 1 flight has none, coverage 75.0 %',
    '  skew            0 differences in 24 window features recomputed in SQL',
    '  latency         p50 2.0 ms, p95 40.0 ms, p99 40.0 ms',
    '  rate            500 predictions/s, 1.5 s in all',
    '  2        champion  4            0.7500 [0.7400, 0.7600]  0.5000',
    'everything is as it should be',
  ])
    expect(report.split('\n')).toContain(line)
})

test('a quantile is a value that occurred', () => {
  expect([0, 0.5, 0.51, 1].map((quantile) => quantileOf([1, 2, 3, 4], quantile))).toEqual([1, 2, 3, 4])
})
