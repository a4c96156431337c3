import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { type EmbeddedWarehouse, startEmbeddedWarehouse } from './embedded-server-chdb.ts'

const dir = mkdtempSync(join(tmpdir(), 'hindsight-analyst-queries-'))
const scan = 'SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(SHA512(toString(number)))'
/** A query that reads a table of one row, and takes for ever. */
const disguised = (name: string) => `SELECT count() FROM (SELECT arrayJoin(range(100000)) AS x FROM ${name}) AS l,
  (SELECT arrayJoin(range(100000)) AS y FROM ${name}) AS r WHERE NOT ignore(SHA512(toString(x + y)))`
let server: EmbeddedWarehouse
let leave = new AbortController()
const unanswered = new Set<string>()

beforeAll(async () => {
  server = await startEmbeddedWarehouse({
    dir,
    port: 0,
    readOnlyPort: 0,
    sessions: { read: 1, insert: 1, analyst: 2, brief: 1, judge: 1 },
    waiting: { analyst: { maxWaiting: 3, maxWaitMs: 120_000 } },
  })
  for (const body of [
    'CREATE DATABASE gold',
    'CREATE TABLE gold.one (a UInt8) ENGINE = MergeTree ORDER BY a',
    'INSERT INTO gold.one SELECT 1',
    'CREATE TABLE gold.million (a UInt32) ENGINE = MergeTree ORDER BY a',
    'INSERT INTO gold.million SELECT * FROM numbers(1000001)',
    'CREATE VIEW gold.v AS WITH c AS (SELECT a FROM gold.one) SELECT a FROM c WHERE a IN gold.one',
    'CREATE VIEW gold.of_view AS SELECT a FROM gold.v',
    "CREATE VIEW gold.with_parameter AS SELECT a, '{' AS brace FROM gold.of_view WHERE a <= {most:UInt8}",
    'CREATE VIEW gold.of_called AS SELECT a FROM gold.with_parameter(most = 7)',
    'CREATE VIEW gold.of_million AS SELECT a FROM gold.million',
    'CREATE VIEW gold.of_both AS SELECT a FROM gold.of_view UNION ALL SELECT a FROM gold.of_million LIMIT 1',
    'CREATE VIEW gold.endless AS SELECT number AS a FROM numbers(1000000000000)',
  ])
    if (!(await fetch(server.url, { method: 'POST', body })).ok) throw new Error(`refused: ${body}`)
})
afterEach(async () => {
  unanswered.clear()
  leave.abort()
  leave = new AbortController()
  await vi.waitUntil(() => server.running() === 0, 60_000)
})
afterAll(async () => {
  await server.stop(0)
  rmSync(dir, { recursive: true, force: true })
})

/** Sends what is not to be answered before the test ends, and takes note if it is. */
function begin(name: string, body: string): void {
  unanswered.add(name)
  const { signal } = leave
  fetch(server.readOnlyUrl, { method: 'POST', body, signal }).then(
    () => unanswered.delete(name),
    () => unanswered.delete(name),
  )
}

async function ask(body: string): Promise<{ status: number; text: string; retryAfter: string | null }> {
  const response = await fetch(server.readOnlyUrl, { method: 'POST', body })
  return { status: response.status, text: await response.text(), retryAfter: response.headers.get('retry-after') }
}

test('beside more scans than there are sessions, a brief question is answered before any of them', async () => {
  for (const name of ['one', 'two', 'three', 'four']) begin(name, scan)
  await vi.waitFor(() => expect(server.running()).toBe(2), 60_000)
  for (const sql of ['SELECT 1', 'SELECT count() FROM gold.one', "SHOW TABLES FROM gold LIKE 'one'"])
    expect(await ask(sql)).toMatchObject({ status: 200, text: sql.startsWith('SHOW') ? 'one\n' : '1\n' })
  expect([...unanswered]).toEqual(['one', 'two', 'three', 'four'])
})

test('so is a question over views of few rows, and one about tables and queries, whatever it names', async () => {
  const large = {
    'over many': 'SELECT count() FROM gold.of_million',
    'over both': 'SELECT count() FROM gold.of_both',
    'without end': 'SELECT a FROM gold.endless WHERE a < 3 LIMIT 1',
  }
  begin('one', scan)
  begin('two', scan)
  await vi.waitFor(() => expect(server.running()).toBe(2), 60_000)
  for (const [name, sql] of Object.entries(large)) begin(name, sql)
  for (const [sql, text] of [
    ['SELECT count() FROM gold.v', '1'],
    ['SELECT count() FROM gold.of_view', '1'],
    ['SELECT a, brace FROM gold.with_parameter(most = 9)', '1\t{'],
    ['SELECT count() FROM gold.of_called', '1'],
    ['SELECT a FROM gold.one JOIN gold.v USING (a)', '1'],
    ['DESCRIBE TABLE gold.endless', 'a\tUInt64'],
    ['EXISTS TABLE gold.of_million', '1'],
    ['SHOW CREATE TABLE gold.million', 'CREATE TABLE gold.million'],
    ['SHOW COLUMNS FROM of_million FROM gold', 'a\tUInt32'],
    ["SHOW COLUMNS FROM endless FROM gold WHERE field = 'a'", 'a\tUInt64'],
    ['EXPLAIN SELECT count() FROM gold.of_million', 'Output: count()'],
    ['DESCRIBE (SELECT number FROM numbers(1000000000000))', 'number'],
  ] as const)
    expect([sql, await ask(sql)]).toMatchObject([sql, { status: 200, text: expect.stringContaining(text) }])
  expect([...unanswered]).toEqual(['one', 'two', ...Object.keys(large)])
})

test.each([
  ['a small table', disguised('gold.one')],
  ['a small table with a limit of its own', `${disguised('gold.one')} SETTINGS max_execution_time = 60`],
  ['a small view', disguised('gold.v')],
  ['EXPLAIN', `EXPLAIN SELECT (${scan})`],
  ['DESCRIBE', `DESCRIBE (SELECT (${scan}))`],
])('a query that only looks brief, over %s, leaves the session that is kept for its kind, and waits', async (_, disguise) => {
  begin('one', scan)
  begin('two', scan)
  await vi.waitFor(() => expect(server.running()).toBe(2), 60_000)
  begin('disguised', disguise)
  await vi.waitFor(() => expect(server.running()).toBe(3), 60_000)
  // Waits for the session, which is given back before any query has been answered.
  for (const sql of ['SELECT 1', 'SELECT a FROM gold.v']) expect(await ask(sql)).toMatchObject({ status: 200, text: '1\n' })
  expect([...unanswered]).toEqual(['one', 'two', 'disguised'])
})

test('what does not fit into the queue is told when to come again', async () => {
  for (const name of ['one', 'two']) begin(name, scan)
  await vi.waitFor(() => expect(server.running()).toBe(2), 60_000)
  const refused = ['three', 'four', 'five', 'six'].map(async () => {
    const response = await fetch(server.readOnlyUrl, { method: 'POST', body: scan, signal: leave.signal })
    return { status: response.status, retryAfter: response.headers.get('retry-after'), text: await response.text() }
  })
  expect(await Promise.race(refused)).toMatchObject({
    status: 503,
    retryAfter: '2',
    text: expect.stringContaining('TOO_MANY_SIMULTANEOUS_QUERIES'),
  })
  for (const promise of refused) promise.catch(() => undefined)
  expect([...unanswered]).toEqual(['one', 'two'])
})
