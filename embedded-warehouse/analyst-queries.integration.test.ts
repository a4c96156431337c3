import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { type EmbeddedWarehouse, startEmbeddedWarehouse } from './embedded-server-chdb.ts'

const dir = mkdtempSync(join(tmpdir(), 'hindsight-analyst-queries-'))
const scan = 'SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(SHA512(toString(number)))'
/** Reads a table of one row, and takes for ever. */
const disguised = `SELECT count() FROM (SELECT arrayJoin(range(100000)) AS x FROM gold.one) AS l, (SELECT arrayJoin(range(100000)) AS y FROM gold.one) AS r
  WHERE NOT ignore(SHA512(toString(x + y)))`
let server: EmbeddedWarehouse
let leave = new AbortController()
const unanswered = new Set<string>()

beforeAll(async () => {
  server = await startEmbeddedWarehouse({
    dir,
    port: 0,
    readOnlyPort: 0,
    sessions: { read: 1, insert: 1, analyst: 2, brief: 1, judge: 1 },
    waiting: { analyst: { maxWaiting: 2, maxWaitMs: 120_000 } },
  })
  for (const body of [
    'CREATE DATABASE gold',
    'CREATE TABLE gold.one (a UInt8) ENGINE = MergeTree ORDER BY a',
    'INSERT INTO gold.one SELECT 1',
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
  for (const sql of ['SELECT 1', 'SELECT count() FROM gold.one', 'SHOW TABLES FROM gold'])
    expect(await ask(sql)).toMatchObject({ status: 200, text: sql.startsWith('SHOW') ? 'one\n' : '1\n' })
  expect([...unanswered]).toEqual(['one', 'two', 'three', 'four'])
})

test('a query that only looks brief leaves the session that is kept for brief ones, and waits', async () => {
  begin('one', scan)
  begin('two', scan)
  await vi.waitFor(() => expect(server.running()).toBe(2), 60_000)
  begin('disguised', disguised)
  await vi.waitFor(() => expect(server.running()).toBe(3), 60_000)
  // Waits for the session, which is given back before any query has been answered.
  expect(await ask('SELECT 1')).toMatchObject({ status: 200, text: '1\n' })
  expect([...unanswered]).toEqual(['one', 'two', 'disguised'])
})

test('what does not fit into the queue is told when to come again', async () => {
  for (const name of ['one', 'two']) begin(name, scan)
  await vi.waitFor(() => expect(server.running()).toBe(2), 60_000)
  const refused = ['three', 'four', 'five'].map(async () => {
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
