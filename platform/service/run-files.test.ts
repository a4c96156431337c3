import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { identifyProcess } from './process-identity.ts'
import { ensurePassword } from './warehouse-password.ts'
import { connectionFromRunFiles, readRunFile, readRunFiles, removeRunFile, writeRunFile } from './run-files.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hindsight-run-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const warehouse = {
  service: 'warehouse' as const,
  ...identifyProcess(),
  admin: 'http://127.0.0.1:1',
  addresses: { http: 'http://127.0.0.1:2', http_read_only: 'http://127.0.0.1:3' },
  started_at: '2001-06-04T00:00:00.000Z',
}

describe('a run file', () => {
  test('is found while its process lives', async () => {
    await writeRunFile(dir, warehouse)
    expect(readRunFile(dir, 'warehouse')).toEqual(warehouse)
    await removeRunFile(dir, warehouse)
    expect(readRunFile(dir, 'warehouse')).toBeUndefined()
  })

  test('of one instance stands beside those of the others', async () => {
    const gateway = { ...warehouse, service: 'gateway' as const }
    for (const instance of ['gateway-1', 'gateway-0']) await writeRunFile(dir, { ...gateway, instance, addresses: { http: instance } })
    await writeRunFile(dir, warehouse)
    expect(readRunFiles(dir, 'gateway').map(({ instance }) => instance)).toEqual(['gateway-0', 'gateway-1'])
    expect(connectionFromRunFiles(dir, {}).gatewayUrl).toBe('gateway-0')
    await removeRunFile(dir, { service: 'gateway', instance: 'gateway-0' })
    expect(readRunFile(dir, 'gateway')).toMatchObject({ instance: 'gateway-1' })
  })

  test('is ignored when the pid is another process by now', async () => {
    await writeRunFile(dir, { ...warehouse, born: 'another boot/1' })
    expect(readRunFile(dir, 'warehouse')).toBeUndefined()
  })
})

describe('the connection of a command', () => {
  test('comes from the run files', async () => {
    await writeRunFile(dir, warehouse)
    const connection = connectionFromRunFiles(dir, {})
    expect(connection.clickhouseUrl).toBe('http://127.0.0.1:2')
    expect(connection.readOnlyClickhouseUrl).toBe('http://127.0.0.1:3')
  })

  test('comes from the environment first', async () => {
    await writeRunFile(dir, warehouse)
    const connection = connectionFromRunFiles(dir, { CLICKHOUSE_URL: 'http://clickhouse:8123', CLICKHOUSE_USER: 'reader' })
    expect(connection).toMatchObject({ clickhouseUrl: 'http://clickhouse:8123', clickhouseUser: 'reader' })
  })

  test('has the password of the data directory for its own warehouse, and for no other', () => {
    const password = ensurePassword(dir)
    expect(connectionFromRunFiles(dir, {})).toMatchObject({ clickhousePassword: password, readOnlyClickhousePassword: undefined })
    expect(connectionFromRunFiles(dir, { CLICKHOUSE_PASSWORD: 'own' }).clickhousePassword).toBe('own')
    const elsewhere = connectionFromRunFiles(dir, { CLICKHOUSE_URL: 'http://clickhouse:8123' })
    expect([elsewhere.clickhousePassword, elsewhere.readOnlyClickhousePassword]).toEqual([undefined, undefined])
  })

  test('says how to start what does not run', () => {
    expect(() => connectionFromRunFiles(dir, {}).gatewayUrl).toThrow(`no gateway is running on the data directory ${dir}`)
  })
})
