import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startMigratedWarehouse } from '../../embedded-warehouse/testing/migrated-warehouse.ts'
import type { TestWarehouse } from '../../embedded-warehouse/testing/warehouse-chdb.ts'
import { binaryExample } from '../metrics/binary-example.ts'
import type { LabelStatement } from '../outcomes/outcome.ts'
import { createSnapshots } from '../snapshots.ts'
import { syncLabeler } from '../sync.ts'
import { testUuid } from '../testing/arbitrary-ledger.ts'
import { toColumnTime } from '../../platform/warehouse/column-time.ts'
import { predictionRow, statementRow } from '../testing/ledger-rows.ts'
import { testProject } from '../testing/test-project.ts'
import { evaluate } from './evaluate.ts'
import type { Evaluation, EvaluationGroup } from './evaluation.ts'
import { saveEvaluation } from './save-evaluation.ts'
import { toEvaluationText } from './evaluation-text.ts'

const hourMs = 3_600_000
const noon = Date.UTC(2001, 5, 4, 12)
const probabilities = { '0': 'p0', '1': 'p1', '2': 'p2' }
const project = testProject({
  labels: [
    { name: 'late', type: 'binary', maturity_seconds: 3600, silence: 'unknown' },
    { name: 'churned', type: 'binary', maturity_seconds: 3600, silence: 'negative' },
    { name: 'minutes', type: 'number', maturity_seconds: 3600, silence: 'unknown' },
    { name: 'colour', type: 'category', categories: ['red', 'blue'], maturity_seconds: 3600, silence: 'unknown' },
    { name: 'digit', type: 'category', categories: ['0', '1', '2'], maturity_seconds: 3600, silence: 'unknown' },
  ],
  models: [
    { name: 'delay', primary_label: 'late', decision: { output: 'probability', threshold: 0.5, above: 1, below: 0 } },
    { name: 'churn', primary_label: 'churned' },
    {
      name: 'arrival',
      primary_label: 'late',
      entities: { origin: { entity: 'airport' }, carrier: { entity: 'carrier' } },
      evaluation: { cluster_by: ['origin'] },
      decision: { output: 'probability', threshold: 0.5, above: 1, below: 0, costs: { false_negative: 4, false_positive: 1 } },
    },
    { name: 'duration', primary_label: 'minutes', task: 'regression' },
    { name: 'paint', primary_label: 'colour', task: 'multiclass_classification' },
    { name: 'reader', primary_label: 'digit', task: 'multiclass_classification', score: { class: 'read', probabilities } },
    { name: 'guesser', primary_label: 'digit', task: 'multiclass_classification', score: { probabilities } },
  ],
})

let server: TestWarehouse
let seq = 0
beforeAll(async () => {
  server = await startMigratedWarehouse()
  await syncLabeler(server.warehouse, project)
  await server.warehouse.insert('bronze.prediction_events', [...delayRows(), ...churnRows(), ...otherRows(), ...arrivalRows()])
  await server.warehouse.insert('bronze.label_events', [...delayLabels(), ...churnLabels(), ...otherLabels(), ...arrivalLabels()])
})
afterAll(() => server.stop())

const predict = (row: { number: number; [column: string]: unknown }) =>
  predictionRow({
    prediction_id: testUuid(row.number),
    decision_id: testUuid(row.number),
    anchor_time: toColumnTime(noon),
    ingested_at: toColumnTime(noon),
    predicted_at: toColumnTime(noon),
    ...row,
    seq: ++seq,
    ...(typeof row['score'] === 'number' && { outputs_number: { probability: row['score'] } }),
  })
const label = (number: number, statement: Partial<LabelStatement>): object =>
  statementRow(
    {
      tenant: 'default',
      labelId: `label-${++seq}`,
      label: 'late',
      predictionId: testUuid(number),
      retracted: false,
      eventTimeMs: noon + hourMs / 2,
      knownAtMs: noon + hourMs / 2,
      ingestedAtMs: noon + hourMs / 2,
      source: { kind: 'outcome', name: 'tests' },
      ...statement,
    },
    seq,
  )

/** The example of the metrics' tests as version 2, its shadow version 1 with the scores turned round, and three oddities. */
function delayRows(): object[] {
  const rows = [...binaryExample.scores].flatMap((score, number) => [
    predict({ number, score, model_version: '2' }),
    predict({ number, score: 1 - score, model_version: '1', route: 'shadow', prediction_id: testUuid(number + 100) }),
  ])
  const replay = predict({ number: 0, score: 0.5, model_version: '9', trigger: 'replay', prediction_id: testUuid(300) })
  const oddities = [
    predict({ number: 201, model_version: '2', status: 'error' }),
    predict({ number: 202, score: 0.4, model_version: '2', status: 'fallback' }),
    predict({
      number: 203,
      score: 0.4,
      model_version: '2',
      anchor: 'gate',
      tags: ['red', 'green'],
      anchor_time: toColumnTime(noon + 24 * hourMs),
    }),
  ]
  return [...rows, replay, ...oddities]
}

function delayLabels(): object[] {
  const labels = [...binaryExample.outcomes].map((outcome, number) => label(number, { valueNumber: outcome }))
  const sources = ['a', 'b'].map((name, value) => label(202, { valueNumber: value, source: { kind: 'human', name } }))
  return [...labels, label(201, { valueNumber: 1 }), ...sources, label(203, { retracted: true })]
}

/** Four decisions: two mature and one of them silent, two too young and one of them labelled early. */
function churnRows(): object[] {
  const model = 'churn'
  return [400, 401].flatMap((number) => [
    predict({ number, model, score: 0.9 }),
    predict({ number: number + 10, model, score: 0.1, anchor_time: toColumnTime(noon + hourMs) }),
  ])
}

function churnLabels(): object[] {
  return [400, 410].map((number) => label(number, { label: 'churned', valueNumber: 1 }))
}

/** The example of the metrics' tests, each row twice as one of 20 airports, on six days. */
const arrivals = Array.from({ length: 2 * binaryExample.scores.length }, (_, index) => ({
  number: 600 + index,
  score: binaryExample.scores[index % binaryExample.scores.length] ?? 0,
  outcome: binaryExample.outcomes[index % binaryExample.scores.length] ?? 0,
  origin: `airport ${index % 20}`,
  dayOffset: index % 6,
}))

function arrivalRows(): object[] {
  return arrivals.map(({ number, score, origin, dayOffset }) =>
    predict({ number, model: 'arrival', score, entities: { origin }, anchor_time: toColumnTime(noon - 24 * hourMs * dayOffset) }),
  )
}

function arrivalLabels(): object[] {
  return arrivals.map(({ number, outcome }) => label(number, { valueNumber: outcome }))
}

function otherRows(): object[] {
  const durations = [10, 20, 40].map((score, index) => predict({ number: 500 + index, model: 'duration', score }))
  const paints = ['red', 'red', 'blue'].map((colour, index) =>
    predict({ number: 510 + index, model: 'paint', outputs_text: { probability: colour } }),
  )
  return [...durations, ...paints, ...digitRows('reader', 520), ...digitRows('guesser', 530)]
}

const shares = [
  [0.7, 0.2, 0.1],
  [0.1, 0.8, 0.1],
  [0.3, 0.3, 0.4],
  [0, 1, 0],
  [0.25, 0.5, 0.25],
]
const digits = ['0', '1', '0', '1', '2']

/** Class and probabilities of a model whose classes are whole numbers, and a row that names no class. */
function digitRows(model: string, from: number): object[] {
  const rows = shares.map(([p0 = 0, p1 = 0, p2 = 0], index) =>
    predict({ number: from + index, model, outputs_number: { read: [0, 1, 2, 1, 1][index], p0, p1, p2 } }),
  )
  return [...rows, predict({ number: from + 5, model, outputs_number: { p0: 0.5 } })]
}

function otherLabels(): object[] {
  const durations = [12, 20, 36].map((valueNumber, index) => label(500 + index, { label: 'minutes', valueNumber }))
  const paints = ['red', 'blue', 'blue'].map((valueText, index) => label(510 + index, { label: 'colour', valueText }))
  const read = digits.flatMap((valueText, index) => [520, 530].map((from) => label(from + index, { label: 'digit', valueText })))
  return [...durations, ...paints, ...read]
}

const metric = (group: EvaluationGroup | undefined, name: string) => group?.metrics.find((candidate) => candidate.name === name)
const after = (hours: number) => new Date(noon + hours * hourMs)
const asOf = (hours: number) => ({ asOf: after(hours).getTime() })

describe('evaluate', () => {
  let judged: Evaluation
  beforeAll(async () => {
    judged = await evaluate({ warehouse: server.warehouse, project, model: 'delay', clock: asOf(2) })
  })

  test('tells versions, routes and anchors apart, and counts every state', () => {
    const { groups, ...about } = judged
    expect(about).toMatchObject({ label: 'late', threshold: 0.5, as_of: '2001-06-04T14:00:00.000Z' })
    expect(groups.map(({ model_version, route, anchor, counts }) => ({ model_version, route, anchor, ...counts }))).toEqual([
      { ...none, model_version: '2', route: 'champion', anchor: 'gate', predictions: 1, pending: 1 },
      { ...none, model_version: '2', route: 'champion', anchor: 'request', predictions: 42, errors: 1, labeled: 41, conflicted: 1 },
      { ...none, model_version: '1', route: 'shadow', anchor: 'request', predictions: 40, labeled: 40 },
    ])
  })

  test('scores what has a score and an outcome, with n, coverage and interval', () => {
    const { groups } = judged
    // scikit-learn 1.9.1 roc_auc_score; DeLong's interval on the logit scale in NumPy and SciPy.
    expect(metric(groups[1], 'roc_auc')).toMatchObject({
      value: expect.closeTo(0.7774936061381075, 12),
      n: 40,
      coverage: 40 / 41,
      method: 'delong',
    })
    expect(metric(groups[1], 'roc_auc')?.lower).toBeCloseTo(0.5706183969156595, 9)
    expect(metric(groups[1], 'precision')).toMatchObject({ value: 0.7, n: 10 })
    expect(metric(groups[1], 'label_coverage')).toMatchObject({ value: 41 / 42, n: 42 })
    expect(metric(groups[2], 'roc_auc')?.value).toBeCloseTo(1 - 0.7774936061381075, 12)
    expect(metric(groups[0], 'roc_auc')).toEqual({ name: 'roc_auc', n: 0, method: 'none', coverage: 0 })
  })

  test('knows at an earlier time what was known then, and a retraction once it is mature', async () => {
    const counts = async (hours: number) =>
      (await evaluate({ warehouse: server.warehouse, project, model: 'delay', clock: asOf(hours) })).groups
    const early = await counts(0.25)
    expect(early.map((group) => group.counts.pending)).toEqual([1, 42, 40])
    expect((await counts(48))[0]?.counts).toMatchObject({ retracted: 1, pending: 0 })
  })

  test('clusters intervals by the declared roles and by day, and says so in text and table', async () => {
    const evaluation = await evaluate({ warehouse: server.warehouse, project, model: 'arrival' })
    const [group] = evaluation.groups
    expect(metric(group, 'brier')).toMatchObject({ n: 80, method: 't', clustered_by: 'entity_and_day', clusters: 6, scope: 'days_to_come' })
    // 10 of the 17 positives are below the threshold, and 3 of the 23 negatives above it, each twice.
    expect(metric(group, 'cost')?.value).toBeCloseTo((10 * 4 + 3) / 40, 12)
    expect(toEvaluationText(evaluation)).toMatch(/brier .*, by entity and day \(6\)/)
    const id = await saveEvaluation(server.warehouse, evaluation, { now: () => after(2).getTime(), newId: () => testUuid(902) })
    const rows = await server.warehouse.query(
      `SELECT clustered_by, toUInt32(clusters) AS clusters, scope FROM gold.evaluations WHERE evaluation_id = {id:UUID} AND metric = 'brier'`,
      { id },
    )
    expect(rows).toEqual([{ clustered_by: 'entity_and_day', clusters: 6, scope: 'days_to_come' }])
  })

  test('bounds anchor times, from included and to excluded', async () => {
    const predictions = async (bounds: { anchorFrom?: Date; anchorTo?: Date }) =>
      (await evaluate({ warehouse: server.warehouse, project, model: 'delay', ...bounds })).groups.reduce(
        (sum, { counts }) => sum + counts.predictions,
        0,
      )
    expect(await predictions({ anchorTo: after(0) })).toBe(0)
    expect(await predictions({ anchorFrom: after(0), anchorTo: after(24) })).toBe(82)
    expect(await predictions({ anchorFrom: after(24) })).toBe(1)
  })

  test('judges only what bears one of the tags', async () => {
    const { tags, groups } = await evaluate({ warehouse: server.warehouse, project, model: 'delay', tags: ['blue', 'green'] })
    expect(tags).toEqual(['blue', 'green'])
    expect(groups.map(({ model_version, counts }) => [model_version, counts.predictions])).toEqual([['2', 1]])
  })

  test.each([
    ['version', ['2 gate', '2 request', '1 request']],
    ['route', ['champion gate', 'champion request', 'shadow request']],
    ['anchor', ['gate', 'request']],
    ['day', ['2 champion gate 2001-06-05', '2 champion request 2001-06-04', '1 shadow request 2001-06-04']],
  ] as const)('groups by %s, never over anchors', async (by, expected) => {
    const { groups } = await evaluate({ warehouse: server.warehouse, project, model: 'delay', by })
    const names = groups.map(({ model_version, route, anchor, day }) =>
      [model_version, route, anchor, day].filter((part) => part !== undefined).join(' '),
    )
    expect(names).toEqual(expected)
  })

  test('takes routes together without shadows, which answered nobody', async () => {
    const { groups } = await evaluate({ warehouse: server.warehouse, project, model: 'delay', by: 'anchor' })
    expect(groups.map(({ counts }) => counts.predictions)).toEqual([1, 42])
  })

  test('where silence means no, counts mature cohorts only', async () => {
    const { groups } = await evaluate({ warehouse: server.warehouse, project, model: 'churn', clock: asOf(1.5) })
    expect(groups[0]?.counts).toEqual({ ...none, predictions: 4, labeled: 2, negative: 1, pending: 1, immature: 1 })
    expect(metric(groups[0], 'roc_auc')).toMatchObject({ value: 0.5, n: 2, coverage: 0.5 })
    expect(metric(groups[0], 'precision')).toBeUndefined()
  })

  test('judges regression by errors and categories by accuracy', async () => {
    const regression = await evaluate({ warehouse: server.warehouse, project, model: 'duration' })
    expect(metric(regression.groups[0], 'mae')).toMatchObject({ value: 2, n: 3 })
    expect(metric(regression.groups[0], 'bias')?.value).toBeCloseTo(2 / 3, 12)
    const classes = await evaluate({ warehouse: server.warehouse, project, model: 'paint' })
    expect(metric(classes.groups[0], 'accuracy')).toMatchObject({ value: 2 / 3, n: 3, method: 'wilson' })
  })

  // scikit-learn 1.9.1 accuracy_score, log_loss and precision_recall_fscore_support of the rows above.
  test.each(['reader', 'guesser'])('judges classes that are whole numbers, with their probabilities: %s', async (model) => {
    const { groups } = await evaluate({ warehouse: server.warehouse, project, model })
    const [group] = groups
    expect(group?.counts).toMatchObject({ predictions: 6, errors: 1, labeled: 5 })
    expect(metric(group, 'accuracy')).toMatchObject({ value: 0.6, n: 5, coverage: 1 })
    expect(metric(group, 'log_loss')?.value).toBeCloseTo(0.6340171321397537, 12)
    expect(metric(group, 'macro_precision')?.value).toBeCloseTo(0.5555555555555555, 12)
    expect(metric(group, 'macro_recall')?.value).toBeCloseTo(0.5, 12)
    const recalls = group?.metrics.filter(({ name }) => name === 'recall')
    expect(recalls).toMatchObject([
      { class: '0', value: 0.5, n: 2 },
      { class: '1', value: 1, n: 2 },
      { class: '2', value: 0, n: 1 },
    ])
  })

  test('keeps a row per class', async () => {
    const evaluation = await evaluate({ warehouse: server.warehouse, project, model: 'reader' })
    const id = await saveEvaluation(server.warehouse, evaluation, { now: () => after(2).getTime(), newId: () => testUuid(901) })
    const rows = await server.warehouse.query(
      `SELECT class, value FROM gold.evaluations WHERE evaluation_id = {id:UUID} AND metric = 'recall' ORDER BY class`,
      { id },
    )
    expect(rows).toEqual([
      { class: '0', value: 0.5 },
      { class: '1', value: 1 },
      { class: '2', value: 0 },
    ])
    expect(toEvaluationText(evaluation)).toMatch(/recall of 1 +1\.0000/)
  })

  test('refuses a model that the project does not have', async () => {
    await expect(evaluate({ warehouse: server.warehouse, project, model: 'weather' })).rejects.toMatchObject({ code: 'unknown_model' })
  })

  test('reads as text', () => {
    const text = toEvaluationText(judged)
    expect(text).toContain('version 2, champion, anchor request\n  42 predictions, 41 labeled, 1 conflicted, 1 errors')
    expect(text).toMatch(/roc_auc +0\.7775 {2}\[0\.5706, 0\.9018\] +n 40, coverage 97\.6 %/)
  })
})

const none = {
  predictions: 0,
  unanswered: 0,
  repeated: 0,
  errors: 0,
  pending: 0,
  labeled: 0,
  negative: 0,
  expired: 0,
  conflicted: 0,
  retracted: 0,
  immature: 0,
}

test('a snapshot is saved once, and again when something has changed', async () => {
  let now = after(2).getTime()
  const take = async (snapshots: ReturnType<typeof createSnapshots>) => snapshots.take(project, 'delay')
  const open = () => createSnapshots({ warehouse: server.warehouse, now: () => now, newId: () => testUuid(900) })
  const snapshots = open()
  expect(await take(snapshots)).toBe(true)
  now += 1000
  expect(await take(snapshots)).toBe(false)
  expect(await take(open()), 'after a restart').toBe(false)
  now = after(48).getTime()
  expect(await take(snapshots), 'after a decision matured').toBe(true)
  const rows = await server.warehouse.query(
    `SELECT toUInt32(count()) AS rows, toUInt32(uniqExact(as_of)) AS times, toUInt32(countIf(metric = 'roc_auc' AND round(value, 4) = 0.7775)) AS figures FROM gold.evaluations WHERE model = 'delay'`,
  )
  expect(rows).toEqual([{ rows: 2 * 3 * 12, times: 2, figures: 2 }])
})
