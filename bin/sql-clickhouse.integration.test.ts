import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestWarehouse, startTestWarehouse } from '../embedded-warehouse/testing/warehouse-chdb.ts'
import { streamQuery } from './sql-clickhouse.ts'

let warehouse: TestWarehouse
beforeAll(async () => {
  warehouse = await startTestWarehouse()
  await warehouse.warehouse.command('CREATE DATABASE gold')
})
afterAll(() => warehouse.stop())

describe('sql', () => {
  test('takes the format asked for, and one in the query before it', async () => {
    expect(await run('select 1 as one', 'CSVWithNames')).toBe('"one"\n1\n')
    expect(await run('select 1 as one', 'JSONEachRow')).toBe('{"one":1}\n')
    expect(await run('select 1 as one format TSV', 'CSVWithNames')).toBe('1\n')
  })

  test('draws a table for people', async () => {
    expect(await run('select 1 as one', 'PrettyCompactMonoBlock')).toContain('one')
  })

  test('says what is wrong in one line', async () => {
    await expect(run('select nothing', 'TSV')).rejects.toThrow(/Unknown expression.*UNKNOWN_IDENTIFIER/)
    await expect(run('create table t (a Int8) engine = Memory', 'TSV')).rejects.toThrow()
  })

  test('says where no warehouse answers', async () => {
    const query = streamQuery({ url: 'http://127.0.0.1:1', query: 'select 1', format: 'TSV', to: new PassThrough() })
    await expect(query).rejects.toThrow('no warehouse answers at http://127.0.0.1:1')
  })
})

async function run(query: string, format: string): Promise<string> {
  const to = new PassThrough()
  await streamQuery({ url: warehouse.readOnlyUrl, query, format, to })
  to.end()
  let text = ''
  for await (const chunk of to) text += String(chunk)
  return text
}
