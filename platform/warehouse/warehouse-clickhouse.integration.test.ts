import { once } from 'node:events'
import { type Server, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { createWarehouse } from './warehouse-clickhouse.ts'

let server: Server
afterEach(() => void server.close())

/** A ClickHouse that refuses everything with one error. */
async function startRefusing(code: number, type: string): Promise<string> {
  server = createServer((request, response) => {
    request.resume().once('end', () => {
      response.writeHead(500, { 'X-ClickHouse-Exception-Code': String(code) })
      response.end(`Code: ${code}. DB::Exception: said so. (${type}) (version 26.7)\n`)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test.each([
  [75, 'CANNOT_WRITE_TO_FILE_DESCRIPTOR'],
  [243, 'NOT_ENOUGH_SPACE'],
])('a disk that takes nothing (%i) is a warehouse that is away', async (code, type) => {
  const warehouse = createWarehouse({ url: await startRefusing(code, type) })
  await expect(warehouse.insert('t', [{ a: 1 }])).rejects.toMatchObject({ code: 'warehouse_unavailable', retryable: true })
  await expect(warehouse.query('SELECT 1')).rejects.toMatchObject({ code: 'warehouse_unavailable', retryable: true })
  await warehouse.close()
})

test('any other refusal is an error of the statement', async () => {
  const warehouse = createWarehouse({ url: await startRefusing(60, 'UNKNOWN_TABLE') })
  await expect(warehouse.insert('t', [{ a: 1 }])).rejects.toMatchObject({ exceptionCode: '60', type: 'UNKNOWN_TABLE' })
  await warehouse.close()
})
