import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { migrate } from '../platform/schema/migrate.ts'
import { readMigrations } from '../platform/schema/migration-files.ts'
import { startTestWarehouse, type TestWarehouse } from '../embedded-warehouse/testing/warehouse-chdb.ts'
import { syncLabeler } from './sync.ts'
import { testUuid } from './testing/arbitrary-ledger.ts'
import { predictionRow, statementRow } from './testing/ledger-rows.ts'
import { testProject } from './testing/test-project.ts'

let server: TestWarehouse
let dir: string
let labeler: ChildProcess | undefined
beforeAll(async () => {
  server = await startTestWarehouse()
  dir = await mkdtemp(join(tmpdir(), 'hindsight-labeler-'))
})
afterAll(async () => {
  labeler?.kill('SIGKILL')
  await server.stop()
  await rm(dir, { recursive: true, force: true })
})

const query = <Row>(sql: string) => server.warehouse.query<Row>(sql)

describe('the views', () => {
  const project = (more: object = {}) =>
    testProject({
      labels: [{ name: 'late', type: 'binary', maturity_seconds: 3600, silence: 'negative', ...more }],
      models: [{ name: 'delay', primary_label: 'late' }],
    })

  test('cannot be created before the warehouse is migrated, to the last file', async () => {
    await expect(syncLabeler(server.warehouse, project())).rejects.toMatchObject({ code: 'not_ready' })
    const files = await readMigrations()
    await migrate(server.warehouse, files.slice(0, -1))
    await expect(syncLabeler(server.warehouse, project())).rejects.toMatchObject({
      message: expect.stringContaining(files.at(-1)!.name) as string,
    })
    await migrate(server.warehouse)
  })

  test('record each definition once, by its hash', async () => {
    expect(await syncLabeler(server.warehouse, project())).toEqual({
      labels: ['late'],
      changedLabels: ['late'],
      typedViews: ['delay'],
      withoutView: {},
    })
    expect(await syncLabeler(server.warehouse, project())).toMatchObject({ changedLabels: [] })
    expect(await syncLabeler(server.warehouse, project({ maturity_seconds: 60 }))).toMatchObject({ changedLabels: ['late'] })
    expect(
      await query(
        'SELECT match, which, toUInt32(maturity_seconds) AS maturity, unit, window_seconds, owner FROM silver.label_definitions ORDER BY synced_at',
      ),
    ).toEqual([3600, 60].map((maturity) => ({ match: 'exact', which: 'all', maturity, unit: null, window_seconds: null, owner: 'tests' })))
    expect(await syncLabeler(server.warehouse, testProject({ labels: [], models: [] }))).toEqual({
      labels: [],
      changedLabels: [],
      typedViews: [],
      withoutView: {},
    })
    expect(
      await query("SELECT name, definition = '' AS ended FROM silver.definitions WHERE kind = 'model' ORDER BY in_force_from"),
    ).toEqual([
      { name: 'delay', ended: 0 },
      { name: 'delay', ended: 1 },
    ])
  })

  test('explain every column', async () => {
    const columns = await query<{ column: string }>(
      `SELECT concat(database, '.', table, '.', name) AS column FROM system.columns
       WHERE (database, table) IN (('silver', 'outcomes'), ('gold', 'predictions'), ('silver', 'label_definitions'), ('silver', 'definitions'), ('gold', 'evaluations')) AND comment = ''`,
    )
    expect(columns).toEqual([])
  })

  test('give every prediction with the outcome of its decision, and those of an unknown model without', async () => {
    await syncLabeler(server.warehouse, project())
    const row = { decision_id: testUuid(1), anchor_time: '2001-06-04 12:00:00' }
    await server.warehouse.insert('bronze.prediction_events', [
      predictionRow({ ...row, prediction_id: testUuid(1), seq: 1 }),
      predictionRow({ ...row, prediction_id: testUuid(2), route: 'shadow', model_version: '2', seq: 2 }),
      predictionRow({ ...row, prediction_id: testUuid(3), decision_id: testUuid(3), model: 'gone', seq: 3 }),
    ])
    const noon = Date.UTC(2001, 5, 4, 12)
    const source = { kind: 'outcome', name: 'tests' }
    const label = {
      tenant: 'default',
      labelId: 'l1',
      label: 'late',
      predictionId: testUuid(1),
      valueNumber: 1,
      eventTimeMs: noon,
      knownAtMs: noon + 1000,
      source,
      retracted: false,
    }
    await server.warehouse.insert('bronze.label_events', [statementRow(label, 1)])
    const columns = 'route, model_version, outcome, outcome_state, outcome_label, toString(outcome_known_at) AS known_at'
    const labeled = { outcome: 1, outcome_state: 'labeled', outcome_label: 'late', known_at: '2001-06-04 12:00:01.000' }
    expect(await query(`SELECT ${columns} FROM gold.predictions ORDER BY prediction_id`)).toEqual(
      expect.arrayContaining([
        { route: 'champion', model_version: '1', ...labeled },
        { route: 'shadow', model_version: '2', ...labeled },
        { route: 'champion', model_version: '1', outcome: null, outcome_state: null, outcome_label: null, known_at: null },
      ]),
    )
    expect(await query(`SELECT outcome_state, outcome FROM asof.outcomes_known(known_as_of = '2001-06-04 12:00:00.999')`)).toEqual([
      { outcome_state: 'pending', outcome: null },
    ])
    expect(await query(`SELECT outcome_state FROM asof.outcomes(as_of = '2001-06-04 12:00:01')`)).toEqual([])
    expect(await query('SELECT outcome_state, toUInt8(statements) AS statements FROM silver.outcomes')).toEqual([
      { outcome_state: 'labeled', statements: 1 },
    ])
    expect(await query('SELECT outcome, probability FROM gold.delay')).toHaveLength(2)
  })
})

describe('the service', () => {
  const example = fileURLToPath(new URL('../models', import.meta.url))
  const label = () => join(dir, 'project', 'labels', 'arrived_late.yaml')
  const maturities = async () =>
    (
      await query<{ s: string }>(
        `SELECT toString(maturity_seconds) AS s FROM silver.label_definitions WHERE label = 'arrived_late' ORDER BY synced_at`,
      )
    ).map(({ s }) => s)

  test('creates the views, follows changed definitions, and drains', async () => {
    await cp(example, join(dir, 'project'), { recursive: true })
    labeler = spawn(process.execPath, ['--import=#typescript', fileURLToPath(new URL('./main.ts', import.meta.url))], {
      env: {
        ...process.env,
        HINDSIGHT_PROJECT_DIR: join(dir, 'project'),
        HINDSIGHT_DATA_DIR: join(dir, 'data'),
        CLICKHOUSE_URL: server.url,
        HINDSIGHT_PROJECT_POLL_MS: '100',
        HINDSIGHT_EVALUATION_INTERVAL_MS: '1000',
        HINDSIGHT_LOG_LEVEL: 'warn',
      },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const exited = once(labeler, 'exit')
    await vi.waitFor(async () => expect(await maturities()).toEqual(['86400']), { timeout: 180_000, interval: 200 })
    await writeFile(label(), (await readFile(label(), 'utf8')).replace('maturity_seconds: 86400', 'maturity_seconds: 7200'))
    await vi.waitFor(async () => expect(await maturities()).toEqual(['86400', '7200']), { timeout: 180_000, interval: 200 })
    expect(await query("SELECT name FROM system.tables WHERE database = 'gold' AND name = 'flight_delay'")).toHaveLength(1)
    labeler.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
  })
})
