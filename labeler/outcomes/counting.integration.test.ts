import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startMigratedWarehouse } from '../../embedded-warehouse/testing/migrated-warehouse.ts'
import type { TestWarehouse } from '../../embedded-warehouse/testing/warehouse-chdb.ts'
import { evaluate } from '../evaluate/evaluate.ts'
import { toEvaluationText } from '../evaluate/evaluation-text.ts'
import { syncLabeler } from '../sync.ts'
import { toColumnTime } from '../../platform/warehouse/column-time.ts'
import { fateRow, predictionRow, statementRow } from '../testing/ledger-rows.ts'
import { testProject } from '../testing/test-project.ts'
import type { LabelStatement } from './outcome.ts'

const start = Date.UTC(2026, 0, 5, 12)
const project = testProject({
  labels: [
    { name: 'late', type: 'binary', maturity_seconds: 60, silence: 'unknown' },
    { name: 'latest', type: 'binary', maturity_seconds: 60, silence: 'unknown', which: 'last' },
  ],
  models: [{ name: 'delay', primary_label: 'late', decision: { output: 'probability', threshold: 0.5, above: 1, below: 0 } }],
})

let server: TestWarehouse
beforeAll(async () => {
  server = await startMigratedWarehouse()
  await syncLabeler(server.warehouse, project)
})
afterAll(() => server.stop())

const uuid = (n: number) => `0190a000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`
let tenants = 0
let seqs = 0

type Attempt = {
  /** The question: requests with the same letter ask the same; without one the caller gave no id. */
  asks?: string
  fate?: 'answered' | 'unanswered' | 'delivered' | undefined
  at?: number
  writer?: string
  epoch?: number
  seq?: number
  version?: string
  route?: string
  id?: string
  row?: object
  /** Further predictions of the decision: a shadow, a replay. */
  beside?: object[]
}

/** What all tests store, at once and before the first of them: each query of gold costs half a second of computing. */
const rows = { predictions: [] as object[], fates: [] as object[], labels: [] as object[] }

/** Adds a ledger of its own and gives its tenant's name: the attempts of a tenant, each a decision with a prediction of the same number, from 0. */
function ledger(attempts: readonly Attempt[], statements: (Partial<LabelStatement> & { attempt?: number })[] = []) {
  const tenant = `t${String(tenants++).padStart(3, '0')}`
  const base = tenants * 1000
  const predictions = attempts.flatMap(
    ({ asks, at = 0, writer = 'g', epoch = 1, version = '1', route = 'champion', beside = [], ...attempt }, n) => {
      const seq = attempt.seq ?? ++seqs
      const common = {
        tenant,
        decision_id: uuid(base + n),
        request_id: attempt.id ?? 'r',
        model_version: version,
        route,
        epoch,
        writer_id: writer,
        question_sha256: asks?.repeat(64) ?? null,
        ingested_at: toColumnTime(start + at),
        anchor_time: toColumnTime(start),
        outputs_number: { probability: 0.75 },
      }
      const own = predictionRow({ ...common, prediction_id: uuid(base + n), seq, ...attempt.row })
      const others = beside.map((row, m) =>
        predictionRow({ ...common, prediction_id: uuid(base + 100 + 10 * n + m), seq: seq + 500 + m, ...row }),
      )
      return [own, ...others]
    },
  )
  const fates = attempts.flatMap(({ fate }, n) =>
    fate === undefined ? [] : [fateRow({ tenant, predictionId: uuid(base + n), fate, seq: ++seqs })],
  )
  const labels = statements.map(({ attempt, ...statement }, n) =>
    statementRow(
      {
        tenant,
        labelId: `${tenant}-l${n}`,
        label: 'late',
        valueNumber: 1,
        eventTimeMs: start,
        knownAtMs: start,
        retracted: false,
        ...(attempt !== undefined && { predictionId: uuid(base + attempt) }),
        source: { kind: 'outcome', name: 'test' },
        ...statement,
      },
      ++seqs,
    ),
  )
  rows.predictions.push(...predictions)
  rows.fates.push(...fates)
  rows.labels.push(...labels)
  return tenant
}

type Gold = {
  tenant: string
  counts: boolean
  left_out: string | null
  attempts: number
  request_id_reused: boolean
  outcome: number | null
  outcome_state: string | null
  outcome_label: string | null
}

let gold: Gold[]
beforeAll(async () => {
  await server.warehouse.insert('bronze.prediction_events', rows.predictions)
  await server.warehouse.insert('bronze.prediction_fates', rows.fates)
  await server.warehouse.insert('bronze.label_events', rows.labels)
  gold = await server.warehouse.query<Gold>(
    `SELECT tenant, counts, left_out, attempts, request_id_reused, outcome, outcome_state, outcome_label
     FROM gold.predictions ORDER BY tenant, decision_id, prediction_id`,
  )
})

const goldOf = (tenant: string) => gold.filter((row) => row.tenant === tenant)
const leftOut = (tenant: string) => goldOf(tenant).map(({ left_out: why }) => why)

describe('which attempt counts', () => {
  const a = 'a'
  const cases: [string, Attempt[], (string | null)[]][] = [
    ['the only one, answered', [{ asks: a, fate: 'answered' }], [null]],
    ['the only one, of which nobody knows', [{ asks: a }], [null]],
    ['none where nobody was answered', [{ asks: a, fate: 'unanswered' }], ['unanswered']],
    [
      'none of two that nobody was answered',
      [
        { asks: a, fate: 'unanswered' },
        { asks: a, fate: 'unanswered', at: 1 },
      ],
      ['unanswered', 'unanswered'],
    ],
    [
      'the answered one after five that were not',
      [...Array.from({ length: 5 }, (_, at): Attempt => ({ asks: a, fate: 'unanswered', at })), { asks: a, fate: 'answered', at: 9 }],
      ['unanswered', 'unanswered', 'unanswered', 'unanswered', 'unanswered', null],
    ],
    [
      'the answered one, though a later one was not',
      [
        { asks: a, fate: 'answered' },
        { asks: a, fate: 'unanswered', at: 1 },
      ],
      [null, 'unanswered'],
    ],
    [
      'the answered one, though nobody knows of a later',
      [
        { asks: a, fate: 'answered' },
        { asks: a, at: 1 },
      ],
      [null, 'repeated'],
    ],
    [
      'one of which nobody knows before one that was not answered',
      [{ asks: a }, { asks: a, fate: 'unanswered', at: 1 }],
      [null, 'unanswered'],
    ],
    [
      'the later of two that were answered',
      [
        { asks: a, fate: 'answered' },
        { asks: a, fate: 'answered', at: 1 },
      ],
      ['repeated', null],
    ],
    [
      'the later, whichever was stored first',
      [
        { asks: a, fate: 'answered', at: 1 },
        { asks: a, fate: 'answered' },
      ],
      [null, 'repeated'],
    ],
    [
      'one that a replay delivered',
      [
        { asks: a, fate: 'delivered' },
        { asks: a, fate: 'unanswered', at: 1 },
      ],
      [null, 'unanswered'],
    ],
    [
      'of one millisecond the greater seq',
      [
        { asks: a, fate: 'answered', seq: 900_010 },
        { asks: a, fate: 'answered', seq: 900_009 },
      ],
      [null, 'repeated'],
    ],
    [
      'of one millisecond the later epoch before the seq',
      [
        { asks: a, fate: 'answered', epoch: 2, seq: 1 },
        { asks: a, fate: 'answered', seq: 9 },
      ],
      [null, 'repeated'],
    ],
    [
      'of one millisecond the greater writer before the epoch',
      [
        { asks: a, fate: 'answered', writer: 'h' },
        { asks: a, fate: 'answered', epoch: 3 },
      ],
      [null, 'repeated'],
    ],
    [
      'of two versions the later',
      [
        { asks: a, fate: 'answered', version: '1' },
        { asks: a, fate: 'answered', version: '2', at: 1 },
      ],
      ['repeated', null],
    ],
    [
      'of two routes the later',
      [
        { asks: a, fate: 'answered' },
        { asks: a, fate: 'answered', route: 'pinned', at: 1 },
      ],
      ['repeated', null],
    ],
    [
      'each of two that ask something else',
      [
        { asks: a, fate: 'answered' },
        { asks: 'b', fate: 'answered', at: 1 },
      ],
      [null, null],
    ],
    ['each of two without an id of the caller', [{ fate: 'answered' }, { fate: 'answered', at: 1 }], [null, null]],
    ['one of a batch that nobody is told of', [{ asks: a, row: { trigger: 'batch', lane: 'batch_predictions' } }], [null]],
    ['one that answered with an error', [{ asks: a, fate: 'answered', row: { status: 'error', outputs_number: {} } }], [null]],
  ]
  test.each(cases.map(([name, attempts, expected]) => [name, ledger(attempts), expected] as const))('%s', (_, tenant, expected) => {
    expect(leftOut(tenant)).toEqual(expected)
    expect(goldOf(tenant).map(({ counts }) => counts)).toEqual(expected.map((why) => why === null))
  })

  const beside = [
    { route: 'shadow', model_version: '9' },
    { trigger: 'replay', model_version: '8', ingested_at: toColumnTime(start + 99_999) },
  ]
  const followed = ledger([
    { asks: a, fate: 'unanswered', at: 5, beside },
    { asks: a, fate: 'answered', beside },
  ])
  test('shadows and replays follow their decision', () => {
    expect(leftOut(followed)).toEqual(['unanswered', 'unanswered', 'unanswered', null, null, null])
    expect(new Set(goldOf(followed).map(({ attempts }) => attempts))).toEqual(new Set([2]))
  })

  const one = ledger([{ asks: a, fate: 'answered' }])
  const other = ledger([
    { asks: a, fate: 'answered', row: { model: 'unheard_of' } },
    { asks: a, fate: 'unanswered', row: { model: 'unheard_of' } },
  ])
  test('tenants are apart, and models that are not of the project count too', () => {
    expect(leftOut(one)).toEqual([null])
    expect(leftOut(other)).toEqual([null, 'unanswered'])
    const outcomes = goldOf(other).map(({ outcome_state, outcome_label }) => ({ outcome_state, outcome_label }))
    expect(outcomes).toEqual(Array(2).fill({ outcome_state: null, outcome_label: null }))
  })
})

describe('a label', () => {
  const retried: Attempt[] = [
    { asks: 'a', fate: 'unanswered' },
    { asks: 'a', fate: 'answered', at: 1 },
    { asks: 'a', fate: 'answered', at: 2 },
  ]
  let reached: { tenant: string; target: string; reached: number; counted: number }[]
  beforeAll(async () => {
    reached = await server.warehouse.query(
      'SELECT tenant, target, toUInt8(reached) AS reached, toUInt8(counted) AS counted FROM silver.label_reach ORDER BY tenant, label_id',
    )
  })
  const reachOf = (tenant: string) => reached.filter((row) => row.tenant === tenant).map(({ tenant: _, ...reach }) => reach)

  const statements: [string, Partial<LabelStatement> & { attempt?: number }][] = [
    ['of a request', { requestId: 'r' }],
    ['of a prediction that was not answered', { attempt: 0 }],
    ['of a prediction that another attempt took the place of', { attempt: 1 }],
  ]
  test.each(statements.map(([name, statement]) => [name, ledger(retried, [statement])] as const))(
    '%s holds for every attempt at the question, and reaches one question',
    (_, tenant) => {
      expect(goldOf(tenant).map(({ outcome }) => outcome)).toEqual([1, 1, 1])
      expect(reachOf(tenant)).toMatchObject([{ reached: 1, counted: 1 }])
    },
  )

  const reused = ledger(
    [
      { asks: 'a', fate: 'answered' },
      { asks: 'b', fate: 'answered' },
      { asks: 'c', fate: 'answered', id: 'other' },
    ],
    [{ requestId: 'r' }, { requestId: 'other' }, { requestId: 'nobody' }],
  )
  test('by an id that was reused reaches each of its questions, and the column says so', () => {
    expect(goldOf(reused).map(({ request_id_reused: isReused }) => isReused)).toEqual([true, true, false])
    expect(reachOf(reused)).toEqual([
      { target: 'request', reached: 2, counted: 2 },
      { target: 'request', reached: 1, counted: 1 },
      { target: 'request', reached: 0, counted: 0 },
    ])
  })

  const lastOf = (...fates: Attempt['fate'][]) =>
    ledger(
      fates.map((fate, n): Attempt => ({ fate, asks: String(n), row: n === 0 ? {} : { anchor_time: toColumnTime(start + 5) } })),
      [{ label: 'latest', requestId: 'r' }],
    )
  const lasts = [lastOf('answered', 'unanswered'), lastOf('answered', 'answered'), lastOf('unanswered', 'unanswered')]
  test('of the last question passes over what nobody was told of, unless there is nothing else', async () => {
    const outcomes = await server.warehouse.query(
      `SELECT anchor_time, left_out FROM silver.outcomes WHERE tenant IN {lasts:Array(String)} AND label = 'latest' ORDER BY tenant`,
      { lasts },
    )
    expect(lasts).toEqual(lasts.toSorted())
    expect(outcomes).toEqual([
      { anchor_time: toColumnTime(start), left_out: null },
      { anchor_time: toColumnTime(start + 5), left_out: null },
      { anchor_time: toColumnTime(start + 5), left_out: 'unanswered' },
    ])
  })
})

const evaluated = ledger(
  [
    { asks: 'a', fate: 'unanswered', beside: [{ route: 'shadow', model_version: '2' }] },
    { asks: 'a', fate: 'answered', at: 1, beside: [{ route: 'shadow', model_version: '2' }] },
    { asks: 'a', fate: 'answered', at: 2, beside: [{ route: 'shadow', model_version: '2' }] },
    { asks: 'b', fate: 'unanswered', id: 's' },
  ],
  [{ requestId: 'r' }, { requestId: 's' }],
)
test('evaluate judges what counts, and says what it left out', async () => {
  const evaluation = await evaluate({
    warehouse: server.warehouse,
    project,
    model: 'delay',
    tenant: evaluated,
    anchorTo: new Date(start + 1),
  })
  expect(
    evaluation.groups.map(({ route, counts }) => [route, counts.predictions, counts.labeled, counts.unanswered, counts.repeated]),
  ).toEqual([
    ['shadow', 1, 1, 1, 1],
    ['champion', 1, 1, 2, 1],
  ])
  expect(toEvaluationText(evaluation)).toContain('1 predictions, 1 labeled\n  left out: 2 unanswered, 1 repeated')
})
