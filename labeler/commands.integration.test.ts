import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { loadProject } from '../platform/project/load-project.ts'
import { startMigratedWarehouse } from '../embedded-warehouse/testing/migrated-warehouse.ts'
import type { TestWarehouse } from '../embedded-warehouse/testing/warehouse-chdb.ts'
import { parseTime, registerCommands } from './commands.ts'
import { syncLabeler } from './sync.ts'
import { testUuid } from './testing/arbitrary-ledger.ts'
import { predictionRow } from './testing/ledger-rows.ts'

const projectDir = fileURLToPath(new URL('../models', import.meta.url))
let server: TestWarehouse
let dir: string
beforeAll(async () => {
  server = await startMigratedWarehouse()
  dir = await mkdtemp(join(tmpdir(), 'hindsight-commands-'))
  await syncLabeler(server.warehouse, await loadProject(projectDir))
})
afterEach(() => {
  vi.unstubAllEnvs()
  process.exitCode = undefined
})
afterAll(async () => {
  await server.stop()
  await rm(dir, { recursive: true, force: true })
})

async function run(...args: string[]): Promise<unknown> {
  const written: string[] = []
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0)
  const program = new Command().exitOverride()
  registerCommands(program)
  try {
    await program.parseAsync(['node', 'hindsight', ...args, '--json'])
  } finally {
    spy.mockRestore()
  }
  return JSON.parse(written.join(''))
}

test('evaluate prints JSON and saves when asked to', async () => {
  vi.stubEnv('CLICKHOUSE_URL', server.url)
  const row = { prediction_id: testUuid(1), decision_id: testUuid(1), anchor_time: '2001-06-04 12:00:00', seq: 1 }
  await server.warehouse.insert('bronze.prediction_events', [
    predictionRow({ ...row, model: 'flight-delay', outputs_number: { probability_late: 0.3 } }),
  ])
  const printed = await run('evaluate', 'flight-delay', '--known-as-of', '2001-06-05', '--project', projectDir, '--save')
  expect(printed).toMatchObject({
    label: 'arrived_late',
    known_as_of: '2001-06-05T00:00:00.000Z',
    label_definition_sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    groups: [{ counts: { predictions: 1, pending: 1 } }],
  })
  const saved = await server.warehouse.query(
    "SELECT toUInt8(predictions) AS predictions, value, clock FROM gold.evaluations WHERE metric = 'label_coverage'",
  )
  expect(saved).toEqual([{ predictions: 1, value: 0, clock: 'known_as_of' }])
})

test('evaluate refuses a time before the first definition, and two clocks at once', async () => {
  vi.stubEnv('CLICKHOUSE_URL', server.url)
  const evaluate = (...clock: string[]) => run('evaluate', 'flight-delay', '--project', projectDir, ...clock)
  await expect(evaluate('--as-of', '2001-06-05')).rejects.toMatchObject({
    code: 'no_definition_then',
    message: 'no definition of model flight-delay was in force at 2001-06-05T00:00:00.000Z',
  })
  await expect(evaluate('--as-of', '2001-06-05', '--known-as-of', '2001-06-05')).rejects.toMatchObject({
    code: 'commander.conflictingOption',
  })
  const asOf = new Date(Date.now() + 60_000).toISOString()
  expect(await evaluate('--as-of', asOf)).toMatchObject({ as_of: asOf, open_lanes: [], groups: [{ counts: { predictions: 1 } }] })
})

test('labels import sends nothing of a broken file, reports refused lines, and exits 1 when there are any', async () => {
  const { labels } = await loadProject(projectDir)
  const asked: unknown[] = []
  const gateway = createServer((request, response) => {
    asked.push(request.method)
    const [status, body] = request.method === 'GET' ? [200, { labels: [...labels.values()] }] : [202, { accepted: 2, rejected: [] }]
    request.resume().on('end', () => response.writeHead(status).end(JSON.stringify(body)))
  })
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve))
  vi.stubEnv('HINDSIGHT_URL', `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`)
  const file = join(dir, 'labels.csv')
  await writeFile(
    file,
    'request_id,value_number,event_time\nr1,1,2001-06-04T12:00:00Z\nr2,yes,2001-06-04T12:00:00Z\nr3,0,2001-06-04T12:00:00Z\n',
  )
  const broken = join(dir, 'broken.csv')
  await writeFile(broken, 'request_id,value_number,event_time\nr1,1,2001-06-04T12:00:00Z\n"r2,0,2001-06-04T12:00:00Z\n')
  const refusal = { code: 'invalid_request', path: 'request_id', message: 'line 3 at request_id: a quote is never closed' }
  await expect(run('labels', 'import', broken, '--label', 'arrived_late')).rejects.toMatchObject(refusal)
  expect(asked).toEqual([])
  const printed = await run('labels', 'import', file, '--label', 'arrived_late')
  expect(asked).toEqual(['GET', 'POST'])
  expect(printed).toMatchObject({ read: 3, accepted: 2, rejected: 1, rejections: [{ line: 3, path: 'value_number' }] })
  expect(process.exitCode).toBe(1)
  await new Promise((resolve) => gateway.close(resolve))
})

test('takes a day or an RFC 3339 time, and nothing else', () => {
  expect(parseTime('2001-06-04').toISOString()).toBe('2001-06-04T00:00:00.000Z')
  expect(parseTime('2001-06-04T12:00:00+02:00').toISOString()).toBe('2001-06-04T10:00:00.000Z')
  expect(() => parseTime('yesterday')).toThrow('2001-06-04')
})
