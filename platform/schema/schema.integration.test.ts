import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestWarehouse, type TestWarehouse } from '../../embedded-warehouse/testing/warehouse-chdb.ts'
import type { Warehouse } from '../warehouse/warehouse.ts'
import { migrate, pendingMigrations } from './migrate.ts'
import { readMigrations, serverOnlyDir } from './migration-files.ts'
import { splitStatements } from './split-statements.ts'

let server: TestWarehouse
let warehouse: Warehouse

beforeAll(async () => {
  server = await startTestWarehouse()
  warehouse = server.warehouse
})
afterAll(() => server.stop())

describe('migrate', () => {
  test('runs every file once, also when two processes start at the same time', async () => {
    const names = (await readMigrations()).map(({ name }) => name)
    expect(await pendingMigrations(warehouse)).toEqual(names)
    const [first] = await Promise.all([migrate(warehouse), migrate(warehouse)])
    expect(first).toEqual(names)
    expect(await migrate(warehouse)).toEqual([])
    expect(await pendingMigrations(warehouse)).toEqual([])
  })

  test('can be repeated whole, as after a crash in the middle of a file', async () => {
    for (const { statements } of await readMigrations()) for (const statement of statements) await warehouse.command(statement)
  })

  test('refuses a file that has changed since it was applied, or is gone, by name', async () => {
    const migrations = await readMigrations()
    const changed = migrations.map((file, index) => (index === 1 ? { ...file, sha256: 'f'.repeat(64) } : file))
    await expect(migrate(warehouse, changed)).rejects.toMatchObject({ code: 'invalid_config', path: migrations[1]!.name })
    await expect(migrate(warehouse, migrations.slice(1))).rejects.toMatchObject({ code: 'invalid_config', path: migrations[0]!.name })
  })

  test('goes on with a warehouse that a newer version has migrated', async () => {
    expect(await migrate(warehouse, (await readMigrations()).slice(0, -1))).toEqual([])
  })
})

test('a table that an earlier labeler made gets the columns and comments of a new one', async () => {
  const columns = () =>
    warehouse.query(`SELECT name, type, comment FROM system.columns WHERE database = 'gold' AND table = 'evaluations' ORDER BY position`)
  const made = await columns()
  await warehouse.command(`ALTER TABLE gold.evaluations DROP COLUMN class, DROP COLUMN unanswered, DROP COLUMN repeated,
COMMENT COLUMN predictions 'Predictions in the group.', COMMENT COLUMN metric 'roc_auc or bias.', COMMENT COLUMN method 'How.'`)
  await warehouse.command(`DELETE FROM hindsight.migrations WHERE name LIKE '0012%' OR name LIKE '0014%'`)
  expect(await migrate(warehouse)).toHaveLength(2)
  expect(await columns()).toEqual(made)
})

test('every table and every column says what it is', async () => {
  const silent = await warehouse.query(`SELECT database, name AS object, '' AS column FROM system.tables
WHERE database IN ('bronze', 'silver', 'gold', 'hindsight') AND comment = ''
UNION ALL SELECT database, table, name FROM system.columns WHERE database IN ('bronze', 'silver', 'gold', 'hindsight') AND comment = ''`)
  expect(silent).toEqual([])
})

const keyOf: Record<string, RegExp> = {
  seals: /writer_id, epoch, lane, seq, payload_hash$/,
  delivered: /writer_id, epoch, lane, first_seq, last_seq$/,
}

test('bronze folds deliveries of one record and nothing else', async () => {
  const tables = await warehouse.query<{ name: string; engine: string; sorting_key: string; create_table_query: string }>(
    `SELECT name, engine, sorting_key, create_table_query FROM system.tables WHERE database = 'bronze'`,
  )
  for (const table of tables.filter(({ name }) => name !== 'settled')) {
    expect(table.engine).toBe('ReplacingMergeTree')
    expect(table.sorting_key).toMatch(keyOf[table.name] ?? /, \w*id, payload_hash, writer_id, epoch, seq$/)
    for (const setting of ['fsync_after_insert = 1', 'fsync_part_directory = 1', 'min_rows_to_fsync_after_merge = 1'])
      expect(table.create_table_query).toContain(setting)
  }
  expect(tables.map(({ name }) => name).toSorted()).toEqual([
    'delivered',
    'feature_events',
    'feature_payloads',
    'label_events',
    'label_payloads',
    'prediction_events',
    'prediction_fates',
    'prediction_payloads',
    'rejects',
    'seals',
    'settled',
  ])
})

test('every statement parses, those for a server only as well', async () => {
  const serverOnly = await Promise.all((await readdir(serverOnlyDir)).map((name) => readFile(join(serverOnlyDir, name), 'utf8')))
  const statements = [...(await readMigrations()).flatMap((file) => file.statements), ...serverOnly.flatMap(splitStatements)]
  expect(statements.length).toBeGreaterThan(30)
  for (const statement of statements) {
    const [row] = await warehouse.query<{ sql: string }>('SELECT formatQuery({statement:String}) AS sql', { statement })
    expect(row!.sql).not.toBe('')
  }
})
