import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startMigratedWarehouse } from '../../embedded-warehouse/testing/migrated-warehouse.ts'
import { startTestWarehouse, type TestWarehouse } from '../../embedded-warehouse/testing/warehouse-chdb.ts'
import { canonicalHash, toCanonicalJson } from '../../contracts/canonical-json.ts'
import { migrate } from '../../platform/schema/migrate.ts'
import { readMigrations } from '../../platform/schema/migration-files.ts'
import { toColumnTime } from '../../platform/warehouse/column-time.ts'
import { readOpenLanes } from '../evaluate/open-lanes.ts'
import { syncLabeler } from '../sync.ts'
import { testUuid } from '../testing/arbitrary-ledger.ts'
import { predictionRow } from '../testing/ledger-rows.ts'
import { testProject } from '../testing/test-project.ts'
import { readDefinitionRows } from './definition-rows.ts'
import { definitionsAt } from './definitions-over-time.ts'
import { recordDefinitions } from './record-definitions.ts'

const noon = Date.UTC(2026, 5, 4, 12)
const hourMs = 3_600_000
const at = (hours: number) => noon + hours * hourMs
const label = (more: object = {}) => ({ name: 'late', type: 'binary', maturity_seconds: 3600, silence: 'unknown', ...more }) as const
const projectOf = (more: object = {}) => testProject({ labels: [label(more)], models: [{ name: 'delay', primary_label: 'late' }] })

describe('definitions in force', () => {
  let server: TestWarehouse
  beforeAll(async () => {
    server = await startMigratedWarehouse()
  })
  afterAll(() => server.stop())

  test('change what is said of the times after the change alone, and of none before the first', async () => {
    const { warehouse } = server
    await syncLabeler(warehouse, projectOf(), () => at(0))
    await syncLabeler(warehouse, projectOf({ maturity_seconds: 60 }), () => at(2))
    await syncLabeler(warehouse, testProject({ labels: [], models: [] }), () => at(4))
    const row = {
      prediction_id: testUuid(1),
      decision_id: testUuid(1),
      anchor_time: toColumnTime(at(0)),
      predicted_at: toColumnTime(at(-2)),
    }
    await warehouse.insert('bronze.prediction_events', [
      predictionRow({ ...row, seq: 1 }),
      predictionRow({ ...row, prediction_id: testUuid(2), decision_id: testUuid(2), anchor_time: toColumnTime(at(2)), seq: 2 }),
    ])
    const hashes = [projectOf(), projectOf({ maturity_seconds: 60 })].map(({ labels }) => canonicalHash(labels.get('late')))
    const told = async (atMs: number) =>
      (
        await warehouse.query<{ sha256: string; states: string[] }>(
          `SELECT definition_sha256 AS sha256, groupArray(outcome_state) AS states
           FROM (SELECT * FROM asof.outcomes(as_of = '${toColumnTime(atMs)}') ORDER BY anchor_time) GROUP BY definition_sha256`,
        )
      ).map(({ sha256, states }) => [hashes.indexOf(sha256), ...states])
    expect(await told(at(-1))).toEqual([])
    expect(await told(at(0.5))).toEqual([[0, 'pending', 'pending']])
    expect(await told(at(2) - 1)).toEqual([[0, 'expired', 'pending']])
    expect(await told(at(2))).toEqual([[1, 'expired', 'pending']])
    expect(await told(at(2.5))).toEqual([[1, 'expired', 'expired']])
    expect(await told(at(4))).toEqual([])
  })

  test('are those of an evaluation as of a time', async () => {
    const rows = await readDefinitionRows(server.warehouse)
    const maturityAt = (hours: number) => definitionsAt(rows, { model: 'delay', atMs: at(hours) }).labels.get('late')?.maturity_seconds
    expect([0, 1, 2, 3].map(maturityAt)).toEqual([3600, 3600, 60, 60])
    expect(() => maturityAt(-1)).toThrow('no definition of model delay was in force at 2026-06-04T11:00:00.000Z')
    expect(() => maturityAt(4)).toThrow(expect.objectContaining({ code: 'no_definition_then' }))
  })

  test('are kept while the project has errors', async () => {
    const { warehouse } = server
    await recordDefinitions(warehouse, projectOf(), at(5))
    const broken = testProject({ labels: [], models: [] })
    const problems = [{ severity: 'error' as const, file: 'delay/model.yaml', message: 'is broken' }]
    expect(await recordDefinitions(warehouse, { ...broken, problems }, at(6))).toEqual([])
    expect(await recordDefinitions(warehouse, broken, at(6))).toHaveLength(2)
  })
})

test('an as-of is open until a seal of each lane, with all before it, lies a minute later', async () => {
  const server = await startMigratedWarehouse()
  const { warehouse } = server
  const origin = { writer_id: 'gateway-1', epoch: 1, lane: 'labels' }
  const delivered = (first_seq: number, last_seq: number, more: object = {}) =>
    warehouse.insert('bronze.delivered', [{ ...origin, first_seq, last_seq, expires_at: null, ...more }])
  const sealed = (seq: number, hours: number, more: object = {}) =>
    warehouse.insert('bronze.seals', [
      {
        ...origin,
        first_seq: 1,
        last_seq: seq - 1,
        count: seq - 1,
        sealed_at: toColumnTime(at(hours)),
        reason: 'hour',
        payload_hash: 'a'.repeat(64),
        seq,
        appended_at: toColumnTime(at(hours)),
        ...more,
      },
    ])
  const open = (atMs: number) => readOpenLanes(warehouse, atMs)
  expect(await open(at(0))).toEqual([])
  await delivered(1, 4)
  expect(await open(at(-30 * 24 * 365 * 3))).toEqual(['gateway-1/labels'])
  await sealed(4, 1)
  expect(await open(at(1) - 60_000)).toEqual([])
  expect(await open(at(1) - 59_999)).toEqual(['gateway-1/labels'])
  await delivered(6, 9)
  await sealed(9, 2)
  expect(await open(at(1.5)), 'while the fifth record is missing').toEqual(['gateway-1/labels'])
  await delivered(5, 5)
  expect(await open(at(1.5))).toEqual([])
  await delivered(1, 1, { lane: 'predictions', writer_id: 'gateway-2' })
  await delivered(1, 1, { lane: 'feature_events', writer_id: 'gateway-2' })
  expect(await open(at(1.5))).toEqual(['gateway-2/predictions'])
  await server.stop()
})

test('definitions of before they were recorded count as always in force', async () => {
  const server = await startTestWarehouse()
  const { warehouse } = server
  const files = await readMigrations()
  const before = files.slice(
    0,
    files.findIndex(({ name }) => name.includes('definitions')),
  )
  await migrate(warehouse, before)
  const [old, changed] = [projectOf(), projectOf({ maturity_seconds: 60 })].map(({ labels }) => labels.get('late'))
  const row = (definition: typeof old, hours: number) => ({
    label: 'late',
    definition_sha256: canonicalHash(definition),
    synced_at: toColumnTime(at(hours)),
    type: 'binary',
    match: 'exact',
    which: 'all',
    maturity_seconds: 1,
    silence: 'unknown',
    definition: toCanonicalJson(definition),
  })
  await warehouse.insert('silver.label_definitions', [row(old, 0), row(changed, 2)])
  await migrate(warehouse)
  await syncLabeler(warehouse, projectOf({ maturity_seconds: 60 }), () => at(9))
  const rows = await readDefinitionRows(warehouse)
  expect(rows.map(({ kind, fromMs }) => [kind, fromMs])).toEqual([
    ['label', undefined],
    ['model', undefined],
    ['label', at(2)],
  ])
  expect(definitionsAt(rows, { model: 'delay', atMs: 0 }).labels.get('late')).toEqual(old)
  await server.stop()
})
