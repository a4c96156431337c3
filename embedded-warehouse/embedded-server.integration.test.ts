import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type EmbeddedWarehouse, startEmbeddedWarehouse } from './embedded-server-chdb.ts'

const dir = mkdtempSync(join(tmpdir(), 'hindsight-embedded-'))
const credentials = { user: 'writer', password: 'p:ä ss' }
let server: EmbeddedWarehouse

beforeAll(async () => {
  server = await startEmbeddedWarehouse({
    dir,
    port: 0,
    readOnlyPort: 0,
    credentials,
    maxBodyBytes: 1 << 20,
    maxQueryBytes: 1 << 16,
    sessions: { read: 2, insert: 1, analyst: 1 },
  })
})
afterAll(async () => {
  await server.stop()
  rmSync(dir, { recursive: true, force: true })
})

const authorized = { 'x-clickhouse-user': credentials.user, 'x-clickhouse-key': credentials.password.normalize() }
// Header values are Latin-1; the password's letters are.
async function send(query: string, init: RequestInit & { body?: string | Buffer } = {}): Promise<Response> {
  return await fetch(`${server.url}/${query}`, {
    method: 'POST',
    ...init,
    headers: { ...authorized, ...(init.headers as Record<string, string>) },
  })
}

describe('the sessions of a client', () => {
  test.each([
    ['services', () => server.url],
    ['analysts', () => server.readOnlyUrl],
  ])('that hold something are 32 at most on the port of %s, and those that hold nothing make room', async (_, url) => {
    const ask = async (query: string, body: string) => {
      const answer = await fetch(`${url()}/?${query}`, { method: 'POST', body, headers: authorized })
      await answer.arrayBuffer()
      return answer.headers.get('x-clickhouse-exception-code') ?? answer.status
    }
    const name = (kind: string) => (_: unknown, index: number) => `session_id=${kind}-${index}`
    const full = Array.from({ length: 32 }, name('full'))
    // Analysts are told to wait until the database `gold` is there.
    expect((await send('', { body: 'CREATE DATABASE IF NOT EXISTS gold' })).status).toBe(200)
    for (const session of Array.from({ length: 40 }, name('empty'))) expect(await ask(session, 'SELECT 1')).toBe(200)
    for (const session of full) expect(await ask(session, 'SET join_use_nulls = 1')).toBe(200)
    expect(await ask('session_id=more', 'SELECT 1')).toBe('202')
    for (const session of full) expect(await ask(`${session}&session_check=1`, 'SELECT 1')).toBe(200)
    expect(await ask(`${full[7]}&close_session=1`, 'SELECT 1')).toBe(200)
    expect(await ask('session_id=more', 'SET join_use_nulls = 1')).toBe(200)
    expect(await ask('session_id=one-too-many', 'SELECT 1')).toBe('202')
    for (const session of [...full, 'session_id=more']) await ask(`${session}&close_session=1`, 'SELECT 1')
  })
})

describe('the HTTP interface', () => {
  test('says that it is there without credentials', async () => {
    for (const path of ['/ping', '/']) expect(await (await fetch(`${server.url}${path}`)).text()).toBe('Ok.\n')
    const head = await fetch(`${server.url}/ping`, { method: 'HEAD' })
    expect(head.status).toBe(200)
  })

  test('knows its paths and methods', async () => {
    expect((await fetch(`${server.url}/nope`)).status).toBe(404)
    const deleted = await fetch(`${server.url}/`, { method: 'DELETE' })
    expect([deleted.status, deleted.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST'])
  })

  test('takes credentials in headers, Basic and the URL, and nothing else', async () => {
    const basic = `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64')}`
    const ask = async (parameters: Record<string, string>, headers: Record<string, string>) =>
      (await fetch(`${server.url}/?${new URLSearchParams({ query: 'SELECT 1', ...parameters })}`, { headers })).status
    expect(await ask({}, authorized)).toBe(200)
    expect(await ask({}, { authorization: basic })).toBe(200)
    expect(await ask(credentials, {})).toBe(200)
    expect(await ask({}, {})).toBe(403)
    expect(await ask({ ...credentials, password: 'wrong' }, {})).toBe(403)
  })

  test('describes its answer in headers', async () => {
    const response = await send('?default_format=JSONCompact&query_id=q-1', { body: 'SELECT 1 AS one' })
    expect(response.headers.get('x-clickhouse-query-id')).toBe('q-1')
    expect(response.headers.get('x-clickhouse-format')).toBe('JSONCompact')
    expect(response.headers.get('x-clickhouse-timezone')).toBe('UTC')
    expect(JSON.parse(response.headers.get('x-clickhouse-summary') ?? '')).toMatchObject({ result_rows: '1' })
    expect(await response.json()).toMatchObject({ data: [[1]] })
  })

  test('takes the statement in the URL, in the body, or in both', async () => {
    await send('', { body: 'CREATE TABLE both (a UInt8) ENGINE = Memory' })
    await send(`?query=${encodeURIComponent('INSERT INTO both FORMAT JSONEachRow')}`, { body: '{"a":1}\n\n\n{"a":2}' })
    await send('?query=INSERT+INTO+both', { body: 'VALUES (3)' })
    const gzip = await send('', { body: gzipSync('INSERT INTO both FORMAT TSV\n4\n'), headers: { 'content-encoding': 'gzip' } })
    expect(JSON.parse(gzip.headers.get('x-clickhouse-summary') ?? '')).toMatchObject({ written_rows: '1' })
    expect(await (await send('?query=SELECT+groupArray(a)', { body: 'FROM (SELECT a FROM both ORDER BY a)' })).text()).toBe('[1,2,3,4]\n')
  })

  test('GET reads', async () => {
    const response = await send(`?query=${encodeURIComponent('CREATE TABLE g (a UInt8) ENGINE = Memory')}`, { method: 'GET' })
    expect([response.status, response.headers.get('x-clickhouse-exception-code')]).toEqual([403, '164'])
  })

  test.each(['gzip', 'deflate', 'br'])('compresses with %s when asked', async (encoding) => {
    const response = await send('?enable_http_compression=1', {
      body: 'SELECT number FROM numbers(1000)',
      headers: { 'accept-encoding': encoding },
    })
    expect(response.headers.get('content-encoding')).toBe(encoding)
    expect((await response.text()).split('\n')).toHaveLength(1001)
  })

  test.each([
    ['?session_id=x&session_check=1', 'SELECT 1', 500, '372'],
    ['?session_id=x&session_timeout=forever', 'SELECT 1', 500, '374'],
    ['?session_id=x&session_timeout=3601', 'SELECT 1', 500, '374'],
    ['?decompress=1', 'SELECT 1', 500, '354'],
    ['', '', 400, '62'],
    ['', `SELECT '${'x'.repeat(70_000)}'`, 400, '62'],
    ['', "SELECT 1 INTO OUTFILE '/tmp/x'", 403, '497'],
    ['', "INSERT INTO both FROM INFILE '/etc/passwd' FORMAT TSV", 403, '497'],
    ['?no%20setting=1', 'SELECT 1', 404, '115'],
    ['?database=nope', 'SELECT 1', 404, '81'],
    [`?query=${encodeURIComponent('INSERT INTO both FORMAT TSV')}`, '1\n'.repeat(600_000), 413, '223'],
  ])('refuses %s %.40s', async (query, body, status, code) => {
    const response = await send(query, { body })
    expect([response.status, response.headers.get('x-clickhouse-exception-code')]).toEqual([status, code])
    expect(await response.text()).toMatch(/^Code: \d+\. DB::Exception: /)
  })

  test('a form brings the statement and its parameters, and no table', async () => {
    const form = new FormData()
    form.set('query', 'SELECT {a:UInt8} + 1')
    form.set('param_a', '1')
    const ask = () => fetch(`${server.url}/`, { method: 'POST', body: form, headers: authorized })
    expect(await (await ask()).text()).toBe('2\n')
    form.set('ext', new Blob(['1\n']), 'ext.tsv')
    const refused = await ask()
    expect([refused.status, await refused.text()]).toEqual([501, expect.stringContaining('external tables')])
  })

  test('a body that decompresses beyond the bound is refused', async () => {
    const bomb = gzipSync(Buffer.alloc(8 << 20, '1\n'))
    const response = await send(`?query=${encodeURIComponent('INSERT INTO both FORMAT TSV')}`, {
      body: bomb,
      headers: { 'content-encoding': 'gzip' },
    })
    expect(response.headers.get('x-clickhouse-exception-code')).toBe('223')
  })

  test('web pages are not clients', async () => {
    expect((await send('', { body: 'SELECT 1', headers: { origin: 'http://evil.example' } })).status).toBe(403)
  })

  test('SET, USE and temporary tables end with their request', async () => {
    for (const sql of ['SET max_block_size = 5', 'USE system', 'CREATE TEMPORARY TABLE mine (a UInt8)'])
      expect((await send('', { body: sql })).status).toBe(200)
    for (let turn = 0; turn < 4; turn += 1) {
      const sql = "SELECT currentDatabase(), getSetting('max_block_size') = 5"
      expect(await (await send('', { body: sql })).text()).toBe('default\t0\n')
      expect((await send('', { body: 'SELECT * FROM mine' })).status).toBe(404)
    }
  })
})

describe('many clients', () => {
  const endless = 'SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(SHA512(toString(number)))'

  test('a client that goes away stops its query and frees its session', async () => {
    const clients = Array.from({ length: 4 }, () => new AbortController())
    const running = clients.map((client) => send('', { body: endless, signal: client.signal }).catch((error: unknown) => error))
    await vi.waitFor(() => expect(server.running()).toBe(2), { timeout: 180_000 })
    for (const client of clients) client.abort()
    await Promise.all(running)
    await vi.waitFor(() => expect(server.running()).toBe(0), 60_000)
    expect(await (await send('', { body: 'SELECT 1' })).text()).toBe('1\n')
  })

  test('one that goes away while its statement is judged leaves nothing running', async () => {
    for (let turn = 0; turn < 5; turn += 1) {
      const client = new AbortController()
      const running = send('', { body: endless, signal: client.signal }).catch((error: unknown) => error)
      await vi.waitUntil(() => server.running() > 0, { timeout: 180_000, interval: 1 })
      client.abort()
      await running
      await vi.waitUntil(() => server.running() === 0, 60_000)
    }
  })

  test('scans in every session for reading hold up neither an insert, nor an analyst, nor a ping', async () => {
    await send('', { body: 'CREATE DATABASE gold' })
    await send('', { body: 'CREATE TABLE gold.busy (a UInt8) ENGINE = Memory' })
    const client = new AbortController()
    // The engine runs a scalar subquery while it prepares the statement.
    const statements = [endless, `SELECT (${endless}) FORMAT JSONEachRow`]
    const running = statements.map((body) => send('', { body, signal: client.signal }).catch((error: unknown) => error))
    await vi.waitFor(() => expect(server.running()).toBe(2), { timeout: 180_000 })
    expect((await send('', { body: 'INSERT INTO gold.busy VALUES (1)' })).status).toBe(200)
    const analyst = await fetch(`${server.readOnlyUrl}/`, { method: 'POST', body: 'SELECT a FROM busy' })
    expect(await analyst.text()).toBe('1\n')
    expect((await fetch(`${server.url}/ping`)).status).toBe(200)
    client.abort()
    await Promise.all(running)
    await vi.waitFor(() => expect(server.running()).toBe(0), 60_000)
  })
})

describe('a start that cannot work is one clear error', () => {
  test('a file where the folder should be', async () => {
    const file = join(dir, 'a-file')
    writeFileSync(file, '')
    await expect(startEmbeddedWarehouse({ dir: file, port: 0, readOnlyPort: 0 })).rejects.toMatchObject({ code: 'invalid_config' })
  })

  test('a taken port leaves nothing running', async () => {
    const { port } = new URL(server.url)
    await expect(startEmbeddedWarehouse({ dir, port: Number(port), readOnlyPort: 0 })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    expect(await (await send('', { body: 'SELECT 1' })).text()).toBe('1\n')
  })
})
