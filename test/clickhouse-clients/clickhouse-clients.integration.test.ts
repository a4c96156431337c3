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
  type Setting = { name: string; value: string; type: string; readonly: number }

  /** Asks whether the port takes the value of a setting in the URL: a refusal is the code of its error. */
  async function set(name: string, value: string, url = server.readOnlyUrl): Promise<{ code: string | null; text: string }> {
    const answer = await fetch(`${url}/?${new URLSearchParams({ [name]: value })}`, { method: 'POST', body: 'SELECT 1' })
    return { code: answer.headers.get('x-clickhouse-exception-code'), text: await answer.text() }
  }

  /** Values that the setting does not have, and that a server takes for one of its type. */
  async function otherValues({ name, value, type }: Setting): Promise<string[]> {
    if (type.startsWith('Bool')) return [value === '1' ? '0' : '1']
    if (/^((NonZero)?U?Int\d|Float|Double|Seconds|Milliseconds|MaxThreads)/.test(type)) {
      if (/^-?\d+$/.test(value)) return [BigInt(value) + 1n, BigInt(value) - 1n].map(String)
      return /^\d/.test(value) ? [String(Number(value) / 2)] : ['1']
    }
    if (type === 'Timezone') return ['Europe/Berlin']
    if (type === 'Char') return ['|']
    // An enumeration lists its values to whoever names none of them.
    const { text } = await set(name, 'none of them', server.url)
    const listed = /Must be one of \[(.*?)\]/.exec(text)?.[1]
    return listed === undefined
      ? [`${value}x`]
      : [...listed.matchAll(/'(.*?)'/g)].map(([, each]) => each as string).filter((each) => each !== value)
  }

  test('which may be set: of each that is open a changed value is taken, of none that is closed', { timeout: 600_000 }, async () => {
    const query = 'SELECT name, value, type, readonly FROM system.settings FORMAT JSONEachRow'
    const rows = await fetch(server.readOnlyUrl, { method: 'POST', body: query })
    const settings = (await rows.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Setting)
    const wrong: unknown[] = []
    const open = new Set<string>()
    const judge = async (setting: Setting) => {
      const values = await otherValues(setting)
      const codes = []
      for (const value of values) codes.push((await set(setting.name, value)).code)
      const isTaken = codes.includes(null)
      const isRefused = codes.every((code) => code === '164')
      if (isTaken) open.add(setting.name)
      if (setting.readonly === 1 ? !isRefused : !isTaken) wrong.push([setting.name, setting.readonly, values, codes])
    }
    for (let at = 0; at < settings.length; at += 8) await Promise.all(settings.slice(at, at + 8).map(judge))
    expect(wrong).toEqual([])
    expect(settings.length).toBeGreaterThan(1000)
    for (const name of ['join_use_nulls', 'max_result_rows', 'result_overflow_mode', 'join_algorithm', 'readonly', 'log_comment'])
      expect(open).toContain(name)
    for (const name of ['allow_ddl', 'dialect', 'timeout_overflow_mode', 'log_queries']) expect(open).not.toContain(name)
  })
})
