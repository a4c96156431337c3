import { createClient } from '@clickhouse/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestWarehouse } from '../../embedded-warehouse/testing/warehouse-chdb.ts'
import { startWithTableOfGold } from '../testing/table-of-gold.ts'

let server: TestWarehouse

beforeAll(async () => {
  server = await startWithTableOfGold()
})
afterAll(() => server.stop())

const ports = [
  ['read', () => server.readOnlyUrl],
  ['write', () => server.url],
] as const

describe('@clickhouse/client with a session', () => {
  test.each(ports)('on the port to %s keeps settings from one query to the next, and from nobody else', async (mode, url) => {
    const clients = ['a', 'b'].map((id) =>
      createClient({ url: url(), session_id: `${mode}-${id}`, compression: { response: true, request: true } }),
    )
    const [a, b] = clients as [(typeof clients)[0], (typeof clients)[0]]
    const ask = async (client: typeof a, query: string) => (await client.query({ query, format: 'JSONEachRow' })).json()
    const nulls = "SELECT toString(getSetting('join_use_nulls')) IN ('1', 'true') AS on"
    await a.command({ query: 'SET join_use_nulls = 1' })
    expect([await ask(a, nulls), await ask(b, nulls), await ask(a, nulls)]).toEqual([[{ on: 1 }], [{ on: 0 }], [{ on: 1 }]])
    await a.command({ query: 'USE gold' })
    expect(await ask(a, 'SELECT count() > 0 AS found FROM t')).toEqual([{ found: 1 }])
    // What a request brings does not stay.
    const brought = await a.query({ query: nulls, format: 'JSONEachRow', clickhouse_settings: { join_use_nulls: 0 } })
    expect([await brought.json(), await ask(a, nulls)]).toEqual([[{ on: 0 }], [{ on: 1 }]])
    for (const client of clients) await client.close()
  })

  test('has temporary tables on the port of services, and none on that of analysts', async () => {
    const [writer, reader] = [server.url, server.readOnlyUrl].map((url) => createClient({ url, session_id: 'temporary' }))
    const create = 'CREATE TEMPORARY TABLE mine (a Int32)'
    await writer?.command({ query: create })
    await writer?.insert({ table: 'mine', values: [{ a: 1 }, { a: 2 }], format: 'JSONEachRow' })
    expect(await (await writer?.query({ query: 'SELECT sum(a) AS a FROM mine', format: 'JSONEachRow' }))?.json()).toEqual([{ a: 3 }])
    await expect(reader?.command({ query: create })).rejects.toMatchObject({ code: '497' })
    for (const client of [writer, reader]) await client?.close()
  })

  test('answers one query at a time, and names a session that is not there', async () => {
    const send = async (query: string, body: string) => {
      const answer = await fetch(`${server.url}/?${query}`, { method: 'POST', body })
      return { code: answer.headers.get('x-clickhouse-exception-code'), status: answer.status, text: await answer.text() }
    }
    const slow = send('session_id=busy', 'SELECT sleep(2)')
    let second: Awaited<typeof slow>
    do second = await send('session_id=busy&session_check=1', 'SELECT 1')
    while (second.code === '372')
    expect(second).toMatchObject({ code: '373', text: expect.stringContaining('SESSION_IS_LOCKED') })
    expect((await slow).status).toBe(200)
    await send('session_id=busy&close_session=1', 'SELECT 1')
    expect((await send('session_id=busy&session_check=1', 'SELECT 1')).code).toBe('372')
  })
})

describe("what Grafana's data source sends", () => {
  test.each(ports)('on the port to %s', async (_, url) => {
    const settings = 'default_format=Native&max_execution_time=60&max_result_rows=0&readonly=1&add_http_cors_header=1'
    const ask = async (query: string, form: string) => {
      const answer = await fetch(`${url()}/?${settings.replace('Native', form)}`, {
        method: 'POST',
        body: query,
        headers: { 'accept-encoding': 'gzip', 'user-agent': 'clickhouse-datasource/4 grafana' },
      })
      expect([answer.status, await answer.clone().text()]).toEqual([200, expect.anything()])
      return await answer.text()
    }
    const series = `SELECT toStartOfInterval(toDateTime(id), INTERVAL 60 second) AS time, count() AS value FROM gold.t
      WHERE toDateTime(id) >= toDateTime(0) AND id < 1000 GROUP BY time ORDER BY time LIMIT 1000`
    expect((await ask(series, 'TabSeparated')).trim().split('\n')).toHaveLength(17)
    expect((await ask(series, 'Native')).length).toBeGreaterThan(0)
    expect(await ask('SELECT name FROM system.databases', 'TabSeparated')).toContain('gold')
    expect(await ask("SELECT name FROM system.tables WHERE database = 'gold'", 'TabSeparated')).toContain('t')
    expect(await ask('DESC TABLE gold.t', 'TabSeparated')).toContain('UInt64')
    expect(await ask("SELECT name, type, table FROM system.columns WHERE database = 'gold'", 'JSON')).toContain('"id"')
  })
})

describe('system.settings tells an analyst', () => {
  test('which may be set: each that is open can, none that is closed', async () => {
    const ask = (query: string, parameters: Record<string, string> = {}) =>
      fetch(`${server.readOnlyUrl}/?${new URLSearchParams(parameters)}`, { method: 'POST', body: query })
    const rows = await ask("SELECT name, value, readonly FROM system.settings WHERE type = 'Bool' FORMAT JSONCompactEachRow")
    const lines = (await rows.text()).trim().split('\n')
    const settings = lines.map((line) => JSON.parse(line) as [string, string, number])
    expect(settings.some(([, , closed]) => closed === 0)).toBe(true)
    for (const [name, value, closed] of settings) {
      const answer = await ask('SELECT 1', { [name]: value === '1' ? '0' : '1' })
      expect([name, answer.status]).toEqual([name, closed === 1 ? 403 : 200])
      await answer.text()
    }
  })
})
