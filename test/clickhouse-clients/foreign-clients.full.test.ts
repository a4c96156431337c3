import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestWarehouse } from '../../embedded-warehouse/testing/warehouse-chdb.ts'
import { preparePython } from '../testing/python-environment.ts'
import { prepareJava } from '../testing/java-environment.ts'
import { startWithTableOfGold } from '../testing/table-of-gold.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))
const required = process.env['REQUIRE_SERVICES'] === '1'
const python = preparePython(folder, {
  install: required,
  saying: 'installing clickhouse-connect, which judges the ports of the warehouse',
})
const drivers = ['0.10.0', '0.11.1'].map((version) => ({
  version,
  java: prepareJava(folder, {
    version,
    install: required,
    saying: `installing ClickHouse's JDBC driver ${version}, which judges the ports of the warehouse`,
  }),
}))
for (const tool of [python, ...drivers.map(({ java }) => java)])
  if ('missing' in tool) process.stderr.write(`tests with a foreign ClickHouse client are skipped: ${tool.missing}\n`)

let server: TestWarehouse

beforeAll(async () => {
  server = await startWithTableOfGold()
})
afterAll(() => server.stop())

const ports = [
  ['read', () => server.readOnlyUrl],
  ['write', () => server.url],
] as const

async function run(command: string, args: readonly string[]): Promise<string> {
  return (await promisify(execFile)(command, args, { timeout: 180_000, maxBuffer: 1 << 24 })).stdout
}

describe.runIf(required || !('missing' in python))('clickhouse-connect with its defaults', () => {
  test.each(ports)('on the port to %s', async (mode, url) => {
    if ('missing' in python) throw new Error(python.missing)
    const output = await run(python.bin('python'), [`${folder}connect_client.py`, new URL(url()).port, 'default', '', mode])
    const { error, late_error: lateError, ...found } = JSON.parse(output)
    expect(found).toEqual({
      query: [[1000, 999]],
      without_session: [[1]],
      df: [1000, 2],
      arrow: 1000,
      parameters: [[5]],
      settings: [[1]],
      rows: [[0], [1], [2]],
      stream: { lz4: 300_000, zstd: 300_000, gzip: 300_000, deflate: 300_000, False: 300_000 },
      session: expect.stringMatching(/^(1|true)$/),
      ...(mode === 'read' && { first_rows: [[0], [1], [2]] }),
      ...(mode === 'write' && {
        insert_df: 2,
        insert_lz4: 20_000,
        insert_zstd: 20_000,
        insert_gzip: 20_000,
        insert_False: 20_000,
        temporary: [[3]],
      }),
    })
    expect(error).toContain('UNKNOWN_IDENTIFIER')
    expect(lateError).toContain('FUNCTION_THROW_IF_VALUE_IS_NON_ZERO')
  })
})

const judges = drivers.filter(({ java }) => required || !('missing' in java))
describe.runIf(judges.length > 0).each(judges)("ClickHouse's JDBC driver $version", ({ java }) => {
  test.each(ports)('on the port to %s', async (mode, url) => {
    if ('missing' in java) throw new Error(java.missing)
    const output = await run('java', ['-cp', java.classPath, 'JdbcClient', new URL(url()).port, 'default', '', mode])
    expect(
      Object.fromEntries(
        output
          .trim()
          .split('\n')
          .map((line) => line.split('\t')),
      ),
    ).toEqual({
      schemas: '1',
      allSchemas: 'true',
      catalogs: 'true',
      tableTypes: 'true',
      tables: '1',
      columns: '2',
      typeInfo: 'true',
      primaryKeys: '1',
      importedKeys: '0',
      indexInfo: '0',
      functions: 'true',
      procedures: '0',
      valid: 'true',
      rows: '1000',
      many: '300000',
      maxRows: '10',
      prepared: '1',
      metabase: '1000',
      explain: 'true',
      show: '1',
      set: 'false',
      error: '47',
      ...(mode === 'write' && { insert: '100' }),
    })
  })
})
