import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createWarehouse } from './warehouse-clickhouse.ts'
import type { Warehouse } from './warehouse.ts'

export type WarehouseUnderTest = { url: string; user?: string; password?: string; stop(): Promise<void> }

/** The tests of what Hindsight relies on in any warehouse: of the port, and of the HTTP interface as the ordinary client uses it. */
export function warehouseContract(name: string, start: () => Promise<WarehouseUnderTest>): void {
  describe(`warehouse contract: ${name}`, () => {
    const database = `contract_${randomUUID().replaceAll('-', '')}`
    let server: WarehouseUnderTest
    let warehouse: Warehouse
    let client: ClickHouseClient

    beforeAll(async () => {
      server = await start()
      const credentials = { user: server.user, password: server.password }
      warehouse = createWarehouse({ url: server.url, ...credentials, database: 'default' })
      await warehouse.command(`CREATE DATABASE ${database}`)
      client = createClient({
        url: server.url,
        ...(server.user !== undefined && { username: server.user }),
        ...(server.password !== undefined && { password: server.password }),
        database,
        compression: { request: true, response: true },
        log: { level: ClickHouseLogLevel.OFF },
      })
    })
    afterAll(async () => {
      await warehouse.command(`DROP DATABASE IF EXISTS ${database}`)
      await Promise.all([warehouse.close(), client.close()])
      await server.stop()
    })

    async function newTable(columns: string): Promise<string> {
      const table = `${database}.t_${randomUUID().replaceAll('-', '')}`
      await warehouse.command(`CREATE TABLE ${table} (${columns}) ENGINE = MergeTree ORDER BY tuple()`)
      return table
    }

    test('answers a ping', async () => {
      expect(await warehouse.ping()).toBe(true)
    })

    test('64-bit integers are strings, times are in UTC to the millisecond', async () => {
      const [row] = await warehouse.query(
        "SELECT toInt64(9007199254740993) AS big, toUInt32(7) AS small, 0.1 AS float, toDateTime64('2001-06-04 12:00:00.125', 3) AS at, NULL AS nothing, true AS yes",
      )
      expect(row).toEqual({ big: '9007199254740993', small: 7, float: 0.1, at: '2001-06-04 12:00:00.125', nothing: null, yes: true })
    })

    const awkward = 'it\'s "quoted" `ticks` \\ back\\n \t tab \n line \r return; SELECT 1 -- {x:String} \u0001 é 🛬'

    test.each([
      ['String', awkward, awkward],
      ['String', '', ''],
      ['String', '\\N', '\\N'],
      ['UInt64', '18446744073709551615', '18446744073709551615'],
      ['Float64', -1.5e300, -1.5e300],
      ['Bool', true, true],
      ['Nullable(String)', null, null],
      ['Array(String)', [awkward, '', "a','b"], [awkward, '', "a','b"]],
      ['Array(Nullable(Int32))', [1, null, -3], [1, null, -3]],
      ['Map(String, String)', { [awkward]: awkward }, { [awkward]: awkward }],
      ["DateTime64(3, 'UTC')", new Date('2001-06-04T12:00:00.125Z'), '2001-06-04 12:00:00.125'],
      ["DateTime64(3, 'UTC')", '2001-06-04 12:00:00.125', '2001-06-04 12:00:00.125'],
      ['Date', '2001-06-04', '2001-06-04'],
      ['UUID', '01890a5d-ac96-774b-bcce-b302099a8057', '01890a5d-ac96-774b-bcce-b302099a8057'],
    ])('binds a parameter of type %s', async (type, given, expected) => {
      expect(await warehouse.query(`SELECT {value:${type}} AS value`, { value: given })).toEqual([{ value: expected }])
    })

    test('binds names of tables and columns', async () => {
      const table = await newTable('`odd name` UInt8')
      await warehouse.insert(table, [{ 'odd name': 3 }])
      const [db, short] = table.split('.') as [string, string]
      const rows = await warehouse.query('SELECT {column:Identifier} AS x FROM {db:Identifier}.{table:Identifier}', {
        column: 'odd name',
        db,
        table: short,
      })
      expect(rows).toEqual([{ x: 3 }])
    })

    test('a parameter that is too long for a URL is bound too', async () => {
      const ids = Array.from({ length: 30_000 }, (_, index) => `id-${index}`)
      expect(await warehouse.query('SELECT length({ids:Array(String)}) AS n, {ids:Array(String)}[30000] AS last', { ids })).toEqual([
        { n: '30000', last: 'id-29999' },
      ])
    })

    test('a parameter of one request is not seen by the next', async () => {
      await warehouse.query('SELECT {secret:String}', { secret: 'x' })
      const asks = Array.from({ length: 12 }, () => warehouse.query('SELECT {secret:String}'))
      for (const result of await Promise.allSettled(asks)) {
        expect(result).toMatchObject({ status: 'rejected', reason: { type: 'UNKNOWN_QUERY_PARAMETER', exceptionCode: '456' } })
      }
    })

    test('a setting of one request is not seen by the next', async () => {
      const read = () => warehouse.query<{ value: string }>("SELECT toString(getSetting('max_block_size')) AS value")
      const [before] = await read()
      const set = await Promise.all(
        Array.from({ length: 12 }, () =>
          warehouse.query("SELECT toString(getSetting('max_block_size')) AS value", {}, { max_block_size: 77 }),
        ),
      )
      expect(set.every(([row]) => (row as { value: string }).value === '77')).toBe(true)
      const after = await Promise.all(Array.from({ length: 12 }, read))
      expect(after.every(([row]) => row?.value === before?.value)).toBe(true)
    })

    test('inserts what JSON can say, and reads it back', async () => {
      const table = await newTable(
        "id UUID, at DateTime64(3, 'UTC'), tags Array(String), numbers Map(LowCardinality(String), Float64), maybe Nullable(Float64), parts Array(Tuple(writer String, seq UInt64)), text String",
      )
      const row = {
        id: '01890a5d-ac96-774b-bcce-b302099a8057',
        at: '2001-06-04 12:00:00.125',
        tags: ['a', awkward],
        numbers: { x: 1.5, 'y z': -2 },
        maybe: null,
        parts: [{ writer: 'w', seq: '7' }],
        text: `${awkward}\n\n\n; DROP TABLE ${table};`,
      }
      await warehouse.insert(table, [{ ...row, at: '2001-06-04T12:00:00.125Z' }])
      expect(await warehouse.query(`SELECT * FROM ${table}`)).toEqual([row])
    })

    test('inserts lines of JSON as they are', async () => {
      const table = await newTable('a UInt32, text String')
      const rows = Array.from({ length: 3000 }, (_, a) => ({ a, text: `${awkward}\n\n ${a}` }))
      const lines = Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
      await warehouse.insert(table, lines)
      expect(await warehouse.query(`SELECT * FROM ${table} ORDER BY a`)).toEqual(rows)
      await expect(warehouse.insert(table, Buffer.from('{"a":1}\n{"a":"x"}\n'))).rejects.toMatchObject({ name: 'WarehouseQueryError' })
      expect(await warehouse.query(`SELECT count() AS n FROM ${table}`)).toEqual([{ n: '3000' }])
    })

    test('an insert is whole or not at all', async () => {
      const table = await newTable('a UInt32')
      const rows = [...Array.from({ length: 5000 }, (_, a) => ({ a })), { a: 'not a number' }]
      await expect(warehouse.insert(table, rows)).rejects.toMatchObject({
        name: 'WarehouseQueryError',
        exceptionCode: expect.stringMatching(/^\d+$/),
      })
      expect(await warehouse.query(`SELECT count() AS n FROM ${table}`)).toEqual([{ n: '0' }])
    })

    test('inserts rows from a stream, compressed', async () => {
      const table = await newTable('a UInt32, s String')
      const rows = Readable.from(
        (function* () {
          for (let a = 0; a < 20_000; a += 1) yield { a, s: `row ${a}` }
        })(),
      )
      await client.insert({ table, values: rows, format: 'JSONEachRow' })
      expect(await warehouse.query(`SELECT count() AS n, sum(a) AS sum FROM ${table}`)).toEqual([{ n: '20000', sum: '199990000' }])
    })

    test('takes rows in the formats of other tools', async () => {
      const table = await newTable('a UInt32, s String')
      await client.insert({ table, values: Readable.from(['1,"x;\n\ny"\n', '2,z\n'], { objectMode: false }), format: 'CSV' })
      await client.command({ query: `INSERT INTO ${table} VALUES (3, 'it''s; ok'), (2 + 2, 'x')` })
      await client.command({ query: `INSERT INTO ${table} FORMAT TSV\n5\ta\\tb\n` })
      expect(await warehouse.query(`SELECT * FROM ${table} ORDER BY a`)).toEqual([
        { a: 1, s: 'x;\n\ny' },
        { a: 2, s: 'z' },
        { a: 3, s: "it's; ok" },
        { a: 4, s: 'x' },
        { a: 5, s: 'a\tb' },
      ])
    })

    test('a Parquet file that was read can be inserted again', async () => {
      const sql = 'SELECT toUInt32(number) AS a, toString(number) AS s FROM numbers(100000) FORMAT Parquet'
      const { stream } = await client.exec({ query: sql })
      const chunks: Buffer[] = []
      for await (const chunk of stream) chunks.push(chunk as Buffer)
      const bytes = Buffer.concat(chunks)
      const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
      const rows = await parquetReadObjects({ file, compressors, utf8: true })
      expect(rows).toHaveLength(100_000)
      expect(rows[99_999]).toEqual({ a: 99_999, s: '99999' })
      const table = await newTable('a UInt32, s String')
      const sent = await client.exec({
        query: `INSERT INTO ${table} FORMAT Parquet`,
        values: Readable.from([bytes], { objectMode: false }),
      })
      sent.stream.resume()
      expect(await warehouse.query(`SELECT count() AS n, sum(a) AS sum FROM ${table}`)).toEqual([{ n: '100000', sum: '4999950000' }])
    })

    test('gives any format', async () => {
      const query = 'SELECT toUInt8(number) AS a, toString(number) AS b FROM numbers(3)'
      const json = await (await client.query({ query, format: 'JSON' })).json<{ a: number; b: string }>()
      expect(json).toMatchObject({
        rows: 3,
        data: [
          { a: 0, b: '0' },
          { a: 1, b: '1' },
          { a: 2, b: '2' },
        ],
        meta: [
          { name: 'a', type: 'UInt8' },
          { name: 'b', type: 'String' },
        ],
      })
      expect(await (await client.query({ query, format: 'CSVWithNames' })).text()).toBe('"a","b"\n0,"0"\n1,"1"\n2,"2"\n')
      expect(await (await client.query({ query, format: 'JSONCompactEachRow' })).json()).toEqual([
        [0, '0'],
        [1, '1'],
        [2, '2'],
      ])
      const { stream } = await client.exec({ query: `${query} FORMAT RowBinary` })
      const bytes: Buffer[] = []
      for await (const chunk of stream) bytes.push(chunk as Buffer)
      expect(Buffer.concat(bytes).toString('hex')).toBe('000130010131020132')
    })

    test('streams a large result in blocks', async () => {
      let rows = 0
      let blocks = 0
      for await (const block of warehouse.stream<{ number: string }>('SELECT number FROM numbers(500000)')) {
        rows += block.length
        blocks += 1
      }
      expect(rows).toBe(500_000)
      expect(blocks).toBeGreaterThan(5)
    })

    test('a reader that stops early frees the connection', async () => {
      for (let turn = 0; turn < 12; turn += 1) {
        for await (const block of warehouse.stream('SELECT number, randomPrintableASCII(100) FROM numbers(1000000)')) {
          expect(block.length).toBeGreaterThan(0)
          break
        }
      }
      expect(await warehouse.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
    })

    test.each([
      ['SELECT * FROM no_such_table', 'no_table', '60', 'UNKNOWN_TABLE'],
      ['SELECT * FROM no_such_database.t', 'no_table', '81', 'UNKNOWN_DATABASE'],
      ['selec 1', 'other', '62', 'SYNTAX_ERROR'],
      ['SELECT 1; SELECT 2', 'other', '62', 'SYNTAX_ERROR'],
      ['SELECT no_such_column', 'other', '47', 'UNKNOWN_IDENTIFIER'],
      ['SELECT noSuchFunction(1)', 'other', '46', 'UNKNOWN_FUNCTION'],
      ["SELECT throwIf(1, 'boom')", 'other', '395', 'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO'],
    ])('%s is refused: %s, %s', async (sql, reason, exceptionCode, type) => {
      await expect(warehouse.query(sql)).rejects.toMatchObject({ name: 'WarehouseQueryError', reason, exceptionCode, type })
    })

    test.each([
      ['String', String.raw`{"a":"\ud800"}`, 'CANNOT_PARSE_ESCAPE_SEQUENCE'],
      ['String', '{"a":"open', 'CANNOT_PARSE_QUOTED_STRING'],
      ['UInt32', '{"a":"x"}', 'CANNOT_PARSE_INPUT_ASSERTION_FAILED'],
      ['UInt32', '{"a":1', 'CANNOT_READ_ALL_DATA'],
      ['Date', '{"a":"no"}', 'CANNOT_PARSE_DATE'],
      ["DateTime64(3, 'UTC')", '{"a":"yesterday"}', 'CANNOT_PARSE_DATETIME'],
      ['Decimal(5, 2)', '{"a":123456.1}', 'ARGUMENT_OUT_OF_BOUND'],
      ['Map(String, Float64)', '{"a":{"x":"y"}}', 'CANNOT_PARSE_NUMBER'],
      ['FixedString(4)', '{"a":"abcde"}', 'TOO_LARGE_STRING_SIZE'],
      ['UUID', '{"a":"x"}', 'CANNOT_PARSE_UUID'],
    ])('a column of type %s refuses %s as a bad row', async (column, line, type) => {
      const table = await newTable(`a ${column}`)
      await expect(warehouse.insert(table, Buffer.from(`${line}\n`))).rejects.toMatchObject({ reason: 'bad_row', type })
    })

    test('an unknown setting, and a setting that is no setting, are refused', async () => {
      await expect(warehouse.query('SELECT 1', {}, { no_such_setting: 1 })).rejects.toMatchObject({
        exceptionCode: '115',
        type: 'UNKNOWN_SETTING',
      })
      await expect(warehouse.query('SELECT 1', {}, { max_threads: 'many' })).rejects.toMatchObject({ name: 'WarehouseQueryError' })
      expect(await warehouse.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
    })

    test('an error after the first rows still reaches the reader', async () => {
      const sql = 'SELECT throwIf(number = 200000) AS ok, randomPrintableASCII(50) AS text FROM numbers(250000)'
      await expect(warehouse.query(sql, {}, { max_threads: 1 })).rejects.toMatchObject({
        name: 'WarehouseQueryError',
        exceptionCode: '395',
      })
      // Compressed, the client may find the server's message cut in two and say only that there was an error.
      const compressed = client.query({ query: sql, format: 'JSONEachRow' }).then((result) => result.json())
      await expect(compressed).rejects.toThrow()
    })

    test('the database of the connection holds for unqualified names', async () => {
      const table = await newTable('a UInt8')
      const short = table.split('.')[1]
      await client.insert({ table: short as string, values: [{ a: 9 }], format: 'JSONEachRow' })
      expect(await (await client.query({ query: `SELECT a FROM ${short}`, format: 'JSONEachRow' })).json()).toEqual([{ a: 9 }])
      await expect(warehouse.query(`SELECT a FROM ${short}`)).rejects.toMatchObject({ type: 'UNKNOWN_TABLE' })
    })

    test('a view with parameters is created, and takes them in a query', async () => {
      await warehouse.command(`CREATE VIEW ${database}.plus AS SELECT {x:UInt32} + 1 AS y`)
      expect(await warehouse.query(`SELECT y FROM ${database}.plus(x = {n:UInt32})`, { n: 41 })).toEqual([{ y: '42' }])
    })

    test('forty queries at once all get their own answer', async () => {
      const asks = Array.from({ length: 40 }, async (_, n) => {
        const [row] = await warehouse.query<{ n: number; slept: number }>('SELECT {n:UInt32} AS n, sleep(0.02) AS slept', { n })
        return row?.n
      })
      expect(await Promise.all(asks)).toEqual(Array.from({ length: 40 }, (_, n) => n))
    })

    test('a server that is not there is unavailable', async () => {
      const nowhere = createWarehouse({ url: 'http://127.0.0.1:9' })
      await expect(nowhere.query('SELECT 1')).rejects.toMatchObject({
        name: 'ServiceError',
        code: 'warehouse_unavailable',
        retryable: true,
      })
      await expect(nowhere.insert('t', [{ a: 1 }])).rejects.toMatchObject({ code: 'warehouse_unavailable' })
      expect(await nowhere.ping()).toBe(false)
      await nowhere.close()
    })
  })
}
