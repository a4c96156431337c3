import { existsSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestWarehouse, startTestWarehouse } from '../testing/warehouse-chdb.ts'
import { createWarehouse } from '../../platform/warehouse/warehouse-clickhouse.ts'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'

let server: TestWarehouse
let analyst: Warehouse
const outfile = join(tmpdir(), `hindsight-outfile-${process.pid}`)

beforeAll(async () => {
  server = await startTestWarehouse()
  analyst = createWarehouse({ url: server.readOnlyUrl, readOnly: true })
  for (const database of ['gold', 'bronze']) await server.warehouse.command(`CREATE DATABASE ${database}`)
  await server.warehouse.command('CREATE TABLE gold.t (a UInt32, file String) ENGINE = ReplacingMergeTree ORDER BY a')
  await server.warehouse.command('CREATE TABLE bronze.prediction_payloads (a UInt32) ENGINE = MergeTree ORDER BY a')
  await server.warehouse.command('CREATE VIEW gold.v AS SELECT * FROM gold.t WHERE a = {x:UInt32}')
  await server.warehouse.insert('gold.t', [{ a: 1, file: 'f' }])
})
afterAll(async () => {
  rmSync(outfile, { force: true })
  await analyst.close()
  await server.stop()
})

type Answer = { status: number; text: string; code: string | null }

async function ask(sql: string, parameters: Record<string, string> = {}, url = server.readOnlyUrl): Promise<Answer> {
  const response = await fetch(`${url}/?${new URLSearchParams(parameters)}`, { method: 'POST', body: sql })
  return { status: response.status, text: await response.text(), code: response.headers.get('x-clickhouse-exception-code') }
}

describe('an analyst may', () => {
  test.each([
    'SELECT a, t.file FROM gold.t FINAL WHERE a IN (SELECT a FROM gold.t) FORMAT JSON',
    'WITH x AS (SELECT 1 AS a) SELECT * FROM x UNION ALL SELECT 2',
    'SELECT quantileIf(0.5)(a, a > 1), sum(a) OVER (ORDER BY a) FROM gold.t GROUP BY a',
    'SELECT * FROM gold.v(x = 1)',
    'SELECT number FROM numbers(3) SETTINGS output_format_json_quote_64bit_integers = 0',
    "SELECT x FROM values('x UInt8', 1, 2)",
    'SELECT arrayMap(x -> x + 1, [1, 2]), CAST(1 AS String), CASE WHEN 1 THEN 2 ELSE 3 END',
    'SELECT 1 SETTINGS max_execution_time = 5, max_threads = 1',
    '-- comment\nSELECT /* c */ 1;',
    'SHOW TABLES FROM gold',
    'SHOW CREATE TABLE gold.t',
    'DESCRIBE TABLE gold.t',
    'EXISTS TABLE gold.t',
    'EXPLAIN PIPELINE SELECT count() FROM gold.t',
    'SELECT name FROM system.tables WHERE database = currentDatabase()',
  ])('%s', async (sql) => {
    expect(await ask(sql)).toMatchObject({ status: 200 })
  })
})

describe('an analyst may not', () => {
  const file = "'/etc/passwd'"
  test.each([
    [`SELECT 1 INTO OUTFILE '${outfile}'`],
    [`SELECT file(${file})`],
    [`SELECT FILE(${file})`],
    [`SELECT \`file\`(${file})`],
    [`SELECT arrayMap(file, [${file}])`],
    [`SELECT arrayMap(x -> file(x), [${file}])`],
    [`SELECT * APPLY(file) FROM (SELECT ${file})`],
    [`SELECT * APPLY(x -> file(x)) FROM (SELECT ${file})`],
    [`SELECT 1 ORDER BY file(${file})`],
    [`SELECT 1 LIMIT length(file(${file}))`],
    [`SELECT sum(1) OVER (ORDER BY file(${file}))`],
    [`WITH (SELECT file(${file})) AS x SELECT x`],
    [`SELECT * FROM view(SELECT file(${file}))`],
    [`SELECT \`x\n SelectQuery\`, file(${file}) FROM (SELECT 1 AS \`x\n SelectQuery\`)`],
    [`SELECT * FROM file(${file})`],
    [`DESCRIBE file(${file})`],
    [`DESCRIBE (SELECT * FROM file(${file}))`],
    [`SELECT * FROM (SELECT 1 UNION ALL SELECT length(file(${file})))`],
    ["SELECT * FROM url('http://127.0.0.1/')"],
    ["SELECT * FROM s3('http://127.0.0.1/x')"],
    ["SELECT * FROM remote('127.0.0.1', 'system.one')"],
    ["SELECT * FROM cluster('x', system.one)"],
    ["SELECT * FROM mysql('a', 'b', 'c', 'd', 'e')"],
    ["SELECT * FROM postgresql('a', 'b', 'c', 'd', 'e')"],
    ["SELECT * FROM sqlite('a', 'b')"],
    ["SELECT * FROM executable('id', 'TSV', 'a String')"],
    ["SELECT * FROM input('a UInt8')"],
    ["SELECT * FROM merge('bronze', '.*')"],
    ["SELECT * FROM mergeTreeIndex('bronze', 'prediction_payloads')"],
    ["SELECT * FROM dictionary('x')"],
    ["SELECT * FROM filesystem('/etc')"],
    ["SELECT * FROM eval('SELECT 1')"],
    ["SELECT dictGet('x', 'y', 1)"],
    ["SELECT joinGet('bronze.prediction_payloads', 'a', 1)"],
    ["SELECT hasColumnInTable('127.0.0.1', 'u', 'p', 'gold', 't', 'a')"],
    ["SELECT aiGenerate('x')"],
    ['SELECT sleep(3)'],
    ['SELECT * FROM bronze.prediction_payloads'],
    ['SELECT * FROM `bronze`.`prediction_payloads`'],
    ['SELECT 1 IN bronze.prediction_payloads'],
    ['INSERT INTO gold.t VALUES (1, 2)'],
    ['INSERT INTO gold.t SELECT 1, 2'],
    ['CREATE TABLE gold.x (a UInt8) ENGINE = Memory'],
    ['CREATE TEMPORARY TABLE x (a UInt8)'],
    ['CREATE FUNCTION f AS x -> x'],
    ['ALTER TABLE gold.t DELETE WHERE 1'],
    ['DELETE FROM gold.t WHERE 1'],
    ['DROP TABLE gold.t'],
    ['DETACH TABLE gold.t'],
    ['TRUNCATE TABLE gold.t'],
    ['OPTIMIZE TABLE gold.t'],
    ['RENAME TABLE gold.t TO gold.u'],
    ['SYSTEM FLUSH LOGS'],
    ['KILL QUERY WHERE 1'],
    ['SET max_threads = 4'],
    ['SET readonly = 0'],
    ['SET max_threads = 1, dialect = 1'],
    ['GRANT SELECT ON *.* TO x'],
    ["BACKUP TABLE gold.t TO Disk('a', 'b')"],
    ['EXPLAIN AST DROP TABLE gold.t'],
    ['EXPLAIN INSERT INTO gold.t SELECT 1, 2'],
    ['SELECT 1 PARALLEL WITH DROP TABLE gold.t'],
    ['SELECT 1 SETTINGS max_execution_time = 0'],
    ['SELECT 1 SETTINGS max_memory_usage = 99999999999'],
    ['SELECT * FROM (SELECT 1 SETTINGS max_result_rows = 0)'],
    ['SELECT 1 FORMAT JSON SETTINGS max_result_bytes = 0'],
    ['SELECT 1 SETTINGS readonly = 0'],
    ["SELECT 1 SETTINGS format_schema = '/etc/passwd'"],
    ["SELECT 1 SETTINGS additional_table_filters = {'gold.t': 'a = 2'}"],
  ])('%s', async (sql) => {
    expect(await ask(sql)).toMatchObject({ status: 403, code: expect.stringMatching(/^(497|164)$/) })
    expect(existsSync(outfile)).toBe(false)
  })

  test.each([['SELECT 1; SELECT 2'], ['SELECT 1; DROP TABLE gold.t'], ["SELECT 1 -- \n; SELECT file('/etc/passwd')"], ['graph = 1']])(
    '%s',
    async (sql) => {
      expect(await ask(sql)).toMatchObject({ status: 400, code: '62' })
    },
  )

  test.each([
    { max_result_rows: '1e9' },
    { readonly: '0' },
    { dialect: 'kusto' },
    { output_format_schema: outfile },
    { allow_ddl: '0' },
    { profile: 'default' },
    { result_overflow_mode: 'any' },
    { timeout_overflow_mode: 'break' },
    { max_threads: 'auto' },
  ])('set %o in the URL', async (settings) => {
    expect(await ask('SELECT 1', settings)).toMatchObject({ status: 403, code: '164' })
  })

  test.each([`\`${import.meta.filename}\``, "'package.json'", 'default.`package.json`', '`../package.json`'])(
    'read the file %s as a table',
    async (name) => {
      for (const database of ['', 'default', 'gold', 'system']) {
        const { status, code } = await ask(`SELECT * FROM ${name}`, { database })
        expect([
          [404, '60'],
          [403, '497'],
        ]).toContainEqual([status, code])
        expect((await ask(`DESCRIBE TABLE ${name}`, { database })).status).toBeGreaterThan(400)
      }
    },
  )

  test.each(['SELECT 1 IN default.x', 'SHOW COLUMNS FROM x FROM default', 'SHOW CREATE TABLE `default`.`x`', 'EXISTS TABLE "default".x'])(
    '%s',
    async (sql) => {
      expect(await ask(sql)).toMatchObject({ status: 403, code: '497' })
    },
  )

  test('name a denied table or function by a parameter', async () => {
    expect(await ask('SELECT * FROM {t:Identifier}', { param_t: 'bronze.prediction_payloads' })).toMatchObject({ status: 403 })
    expect(await ask('SELECT * FROM {t:Identifier}', { param_t: 'prediction_payloads', database: 'bronze' })).toMatchObject({ status: 403 })
    expect(await ask('SELECT * FROM {d:Identifier}.x', { param_d: 'default' })).toMatchObject({ status: 403 })
    expect(await ask("SELECT arrayMap({f:Identifier}, ['/etc/passwd'])", { param_f: 'file' })).toMatchObject({ status: 403 })
  })
})

test('the limits hold, also after a request that tightened them', async () => {
  const limits = "SELECT getSetting('max_execution_time') AS t, getSetting('max_result_rows') AS r, getSetting('readonly') AS o"
  for (let turn = 0; turn < 6; turn += 1) {
    await analyst.query('SELECT 1', {}, { max_execution_time: 5, max_result_rows: 10 })
    expect(await analyst.query(limits)).toEqual([{ t: 60, r: 1_000_000, o: 2 }])
  }
  await expect(analyst.query('SELECT count() FROM numbers(1000000000000)', {}, { max_execution_time: 1 })).rejects.toMatchObject({
    type: 'TIMEOUT_EXCEEDED',
  })
  // The answer is read as it comes, to where it is broken off: the client takes an error that comes in two pieces for a malformed one.
  const response = await fetch(server.readOnlyUrl, { method: 'POST', body: 'SELECT number FROM numbers(2000000)' })
  let end = Buffer.alloc(0)
  const reading = async () => {
    for await (const chunk of response.body ?? []) end = Buffer.concat([end.subarray(-10_000), chunk])
  }
  await reading().catch(() => 'it is broken off where the error came late')
  expect(end.toString()).toContain('TOO_MANY_ROWS_OR_BYTES')
})

test.each(['Null', '`Null`', 'Null SETTINGS max_threads = 1', 'JSONEachRow', '`TSV`', '"CSV"'])(
  'FORMAT %s is taken as on the main port',
  async (format) => {
    const sql = `SELECT * FROM numbers(10) FORMAT ${format}`
    const [analysts, main] = await Promise.all([ask(sql), ask(sql, {}, server.url)])
    expect(analysts).toMatchObject({ status: 200 })
    expect(analysts).toEqual(main)
    if (format.includes('Null')) expect(analysts.text).toBe('')
  },
)

test("a format's name cannot carry SQL", async () => {
  for (const sql of ['SELECT 1 FORMAT `TSV SETTINGS readonly = 0`', 'SELECT 1 FORMAT `TSV\n`'])
    for (const url of [server.readOnlyUrl, server.url]) expect(await ask(sql, {}, url)).toMatchObject({ code: '73' })
})

test.each([
  ['SELECT 1 FRM x y', 'failed at position 14 (x): x y. Expected'],
  ['SELECT 1 FROM', 'failed at position 14 (end of query)'],
  ["SELECT 'abc", "failed at position 8 ('abc): 'abc"],
  ['SELECT (1', 'failed at position 8 ((): (1.'],
  ['SELECT 1 LIMIT -- c', 'failed at position 20 (end of query)'],
  ['SELECT 1 FORMAT JSON x', 'failed at position 22 (x): x.'],
  ['SELECT 1 UNION SELECT 2, 3', 'While processing SELECT 1 UNION SELECT 2, 3'],
])('an error in %s is told in the words of the client', async (sql, words) => {
  for (const url of [server.readOnlyUrl, server.url]) {
    const { status, text } = await ask(sql, {}, url)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(text).toContain(words)
    expect(text).not.toMatch(/spool|OUTFILE '/)
  }
})

test.each([
  ["SHOW TABLES WHERE engine = 'View' OR name = 'nothing'", 'v\n'],
  ["SHOW TABLES FROM bronze WHERE name LIKE '%ions' OR 1 LIMIT 1", 'prediction_payloads\n'],
  ['SHOW TABLES WHERE name = {n:String}', 't\n'],
  ["SHOW FULL TABLES WHERE name = 't'", 't\tReplacingMergeTree\n'],
  ['SHOW FULL TABLES', 't\tReplacingMergeTree\nv\tView\n'],
  ["SHOW COLUMNS FROM t WHERE field = 'file'", 'file\tString\tNO\t\t\\N\t\n'],
  ["SHOW COLUMNS FROM gold.t WHERE field = 'a' FORMAT JSONCompactColumns", '[\n\t["a"],'],
  ["SHOW COLUMNS FROM nothing WHERE field = 'a'", ''],
  ["SHOW KEYS FROM t WHERE key_name = 'PRIMARY'", 't\t1\tPRIMARY\t1\ta\tA\t0\t'],
  ["SHOW INDEX FROM t FROM gold WHERE key_name != 'PRIMARY'", ''],
  ["SHOW DICTIONARIES WHERE name = 'd'", ''],
])('%s', async (sql, text) => {
  const answer = await ask(sql, { param_n: 't' })
  expect(answer).toMatchObject({ status: 200, text: expect.stringContaining(text) })
  if (text === '') expect(answer.text).toBe('')
})

test('SHOW with a filter sees of system what an analyst does, and names what is not there', async () => {
  expect(await ask("SHOW TABLES WHERE data_paths[1] != ''")).toMatchObject({ status: 404, code: '47' })
  expect(await ask('SHOW TABLES FROM nothing WHERE 1')).toMatchObject({ status: 404, code: '81' })
})

test('an unqualified name is one of gold', async () => {
  for (const database of ['', 'default']) expect(await ask('SELECT a FROM t', { database })).toMatchObject({ status: 200, text: '1\n' })
})

test('the ordinary client reads, and is told what it may not', async () => {
  expect(await analyst.query('SELECT * FROM gold.v(x = {x:UInt32})', { x: 1 })).toEqual([{ a: 1, file: 'f' }])
  await expect(analyst.query("SELECT file('/etc/passwd')")).rejects.toMatchObject({ exceptionCode: '497', type: 'ACCESS_DENIED' })
})
