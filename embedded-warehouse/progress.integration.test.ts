import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestWarehouse, startTestWarehouse } from './testing/warehouse-chdb.ts'

let server: TestWarehouse
beforeAll(async () => {
  server = await startTestWarehouse()
  await server.warehouse.command('CREATE DATABASE gold')
})
afterAll(() => server.stop())

const ports = [
  ['services', () => server.url],
  ['analysts', () => server.readOnlyUrl],
] as const

type Row = { progress?: { read_rows: string; total_rows_to_read: string }; row?: unknown; meta?: unknown; exception?: string }

async function ask(url: string, sql: string, parameters: Record<string, string> = {}): Promise<Response> {
  const query = new URLSearchParams({ default_format: 'JSONEachRowWithProgress', ...parameters })
  return await fetch(`${url}/?${query}`, { method: 'POST', body: sql })
}

function parse(text: string): Row[] {
  const lines = text.split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as Row)
}

/** Reads an answer that has no end until it has what is looked for. */
async function readUntil(answer: Response, found: (rows: Row[]) => boolean): Promise<Row[]> {
  let text = ''
  for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString()
    const rows = parse(text)
    if (found(rows)) return rows
  }
  throw new Error(`the answer has ended: ${text.slice(-500)}`)
}

const endless = 'numbers(1000000000000) WHERE NOT ignore(SHA256(toString(number)))'

describe.each(ports)('JSONEachRowWithProgress on the port of %s', (_, url) => {
  test('tells how far a query is that has no row yet', async () => {
    const rows = await readUntil(await ask(url(), `SELECT count() FROM ${endless}`), (seen) => seen.length > 2)
    expect(rows.every(({ progress }) => progress?.total_rows_to_read === '1000000000000')).toBe(true)
    const read = rows.map(({ progress }) => Number(progress?.read_rows))
    expect(read).toEqual(read.toSorted((a, b) => a - b))
    expect(read[0]).toBeLessThan(read.at(-1) as number)
  })

  test('tells it between the rows', async () => {
    const between = /^(progress|meta|row).*row,progress,.*row/
    const kinds = (rows: Row[]) => rows.map((row) => Object.keys(row)[0]).join()
    const answer = await ask(url(), `SELECT number FROM ${endless} AND number % 100000 = 0`, { max_threads: '1' })
    expect(kinds(await readUntil(answer, (rows) => between.test(kinds(rows))))).toMatch(between)
  })

  test('tells it first where the whole result is at hand', async () => {
    const rows = parse(await (await ask(url(), 'SELECT number % 3 AS k FROM numbers(100) GROUP BY k', { wait_end_of_query: '1' })).text())
    expect(rows[0]?.progress).toBeDefined()
    expect(rows.findLast(({ progress }) => progress !== undefined)?.progress?.read_rows).toBe('100')
    expect(rows.filter(({ row }) => row !== undefined)).toHaveLength(3)
  })

  // Each row is a block; the engine drops the few that are on their way when the error comes.
  const failing = `SELECT number, throwIf(number = 100, 'boom') FROM numbers(1000) SETTINGS max_block_size = 1`
  const expectFirstRows = (rows: Row[]) => {
    const numbers = rows.flatMap(({ row }) => (row === undefined ? [] : [Number((row as { number: string }).number)]))
    expect(numbers.length).toBeGreaterThan(0)
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => index))
  }

  test('sends the rows before a late error, and then the block that clients look for', async () => {
    const answer = await ask(url(), failing)
    expect(answer.status).toBe(200)
    let text = ''
    try {
      for await (const chunk of answer.body as AsyncIterable<Uint8Array>) text += Buffer.from(chunk).toString()
    } catch {
      // The connection is cut, for those who do not know the block.
    }
    const [rows = '', block] = text.split('\r\n__exception__')
    expectFirstRows(parse(rows))
    expect(block).toContain('boom')
  })

  test('sends the error as a row where that is asked for', async () => {
    const answer = await ask(url(), failing, { http_write_exception_in_output_format: '1' })
    const rows = parse(await answer.text())
    expect(answer.status).toBe(200)
    expectFirstRows(rows)
    expect(rows.at(-1)?.exception).toMatch(/^Code: 395\. DB::Exception: boom.*\(version [\d.]+\)$/)
  })

  test.each([{}, { http_write_exception_in_output_format: '1' }])(
    'an error before the first row has its status, with %o',
    async (parameters) => {
      const answer = await ask(url(), 'SELECT no_such_column', parameters)
      expect([answer.status, answer.headers.get('x-clickhouse-exception-code')]).toEqual([404, '47'])
      await answer.text()
    },
  )

  test('leaves the session of the next query as it was', async () => {
    const sql = "SELECT getSetting('interactive_delay') AS delay"
    for (let turn = 0; turn < 4; turn += 1) {
      expect(await (await ask(url(), sql)).text()).toContain('"delay":20000')
      expect(await (await ask(url(), sql, { default_format: 'TSV' })).text()).toBe('100000\n')
    }
  })
})

describe.each(ports)('the head of an answer on the port of %s', (_, url) => {
  type Numbers = { read_rows: string; total_rows_to_read: string; elapsed_ns: string }
  const numbersIn = (answer: Response, name: string) => JSON.parse(answer.headers.get(name) ?? 'null') as Numbers | null
  const asking = { send_progress_in_http_headers: '1', default_format: 'TSV' }

  test('has the same numbers as progress and summary once the query has ended', async () => {
    const sql = 'SELECT number FROM numbers(1000) WHERE number < 10'
    for (const settings of [asking, { ...asking, default_format: 'JSONEachRowWithProgress' }]) {
      const answer = await ask(url(), sql, { ...settings, wait_end_of_query: '1' })
      // What is not known is 0, and never another number.
      expect(numbersIn(answer, 'x-clickhouse-progress')).toMatchObject({ result_rows: '10', read_rows: '0' })
      expect(numbersIn(answer, 'x-clickhouse-summary')).toEqual(numbersIn(answer, 'x-clickhouse-progress'))
      await answer.text()
    }
  })

  test('has no progress that nobody asked for', async () => {
    const answer = await ask(url(), 'SHOW DATABASES', { default_format: 'TSV' })
    expect([numbersIn(answer, 'x-clickhouse-progress'), numbersIn(answer, 'x-clickhouse-summary')]).toEqual([null, expect.anything()])
    await answer.text()
  })

  test('says how far a query is that goes on', async () => {
    const answer = await ask(url(), `SELECT number FROM ${endless}`, asking)
    expect(numbersIn(answer, 'x-clickhouse-summary')?.total_rows_to_read).toBe('1000000000000')
    expect(numbersIn(answer, 'x-clickhouse-progress')).toEqual(numbersIn(answer, 'x-clickhouse-summary'))
    expect(Number(numbersIn(answer, 'x-clickhouse-progress')?.read_rows)).toBeGreaterThan(0)
    await answer.body?.cancel()
  })
})

test('an insert says what it wrote', async () => {
  await server.warehouse.command('CREATE TABLE written (a UInt8) ENGINE = Memory')
  const answer = await ask(server.url, 'INSERT INTO written FORMAT TSV 1\n2\n', { send_progress_in_http_headers: '1' })
  for (const name of ['x-clickhouse-progress', 'x-clickhouse-summary'])
    expect(JSON.parse(answer.headers.get(name) ?? 'null')).toMatchObject({ read_rows: '0', written_rows: '2' })
})
