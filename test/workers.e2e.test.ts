import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { describeOutbox } from '../platform/outbox/describe-outbox.ts'
import { describeWithNats, startTestNats, type TestNats } from '../platform/nats/testing/nats-server.ts'
import { readRunFiles } from '../platform/service/run-files.ts'
import type { ServiceName } from '../platform/service/service.ts'
import { readPassword } from '../platform/service/warehouse-password.ts'
import { createWarehouse } from '../platform/warehouse/warehouse-clickhouse.ts'
import type { Warehouse } from '../platform/warehouse/warehouse.ts'
import { isFullRun } from './testing/full-run.ts'
import { createDataDirectory } from './testing/hindsight-process.ts'
import { startOpenLoop } from './testing/open-loop.ts'
import { expectParity } from './testing/parity.ts'
import { writePatientProject } from './testing/patient-project.ts'
import { runHindsight } from './testing/run-command.ts'
import { type ServiceProcess, startService } from './testing/service-process.ts'

let directory: ReturnType<typeof createDataDirectory>
let running: ServiceProcess[]
let warehouse: Warehouse
let nats: TestNats | undefined
let env: Record<string, string>

beforeEach(async () => {
  directory = createDataDirectory()
  running = []
  env = { HINDSIGHT_DATA_DIR: directory.dir, HINDSIGHT_PROJECT_DIR: writePatientProject(directory.dir) }
  const { addresses } = await start('warehouse', { HINDSIGHT_WAREHOUSE_PORT: '0', HINDSIGHT_WAREHOUSE_READ_ONLY_PORT: '0' })
  env['CLICKHOUSE_URL'] = addresses['http'] ?? ''
  env['CLICKHOUSE_PASSWORD'] = readPassword(directory.dir) ?? ''
  warehouse = createWarehouse({ url: env['CLICKHOUSE_URL'], password: env['CLICKHOUSE_PASSWORD'] })
})
afterEach(async () => {
  await warehouse?.close()
  for (const service of running) service.kill()
  await nats?.stop()
  nats = undefined
  directory.remove()
})

describe.runIf(isFullRun)('with the embedded event log', () => {
  test('what drained workers wrote is stored, and their outboxes are freed', () =>
    lowerWorkers(['logger'], async (gateway) => expect(await gateway.stop()).toBe(0)))
})

describeWithNats('with NATS', () => {
  test('what killed workers wrote is stored, and their outboxes are freed', async () => {
    nats = await startTestNats()
    env['NATS_URL'] = nats.url
    await lowerWorkers(['logger', 'forwarder'], killAll)
  })
})

/** Three workers end under load, before anything has been stored, and one comes back. */
async function lowerWorkers(consumers: readonly ServiceName[], end: (gateway: ServiceProcess) => unknown): Promise<void> {
  const { dir: dataDir } = directory
  const [gateway] = await Promise.all([start('gateway', { HINDSIGHT_PORT: '0', GATEWAY_WORKERS: '3' }), start('features', {})])
  const load = startOpenLoop({ url: () => gateway.addresses['http'] ?? '', prefix: 'workers', perSecond: 100 })
  await expect.poll(() => load.answered.size).toBeGreaterThan(300)
  await end(gateway)
  await load.stop()
  expect((await recordsByWriter(dataDir)).every((records) => records > 0)).toBe(true)
  expect(await recordsByWriter(dataDir)).toHaveLength(3)

  const started = consumers.map((service) => start(service, {}))
  const [{ addresses }] = await Promise.all([start('gateway', { HINDSIGHT_PORT: '0', GATEWAY_WORKERS: '1' }), ...started])
  const after = startOpenLoop({ url: () => addresses['http'] ?? '', prefix: 'after', perSecond: 50 })
  await expect.poll(() => after.answered.size).toBeGreaterThan(50)
  await after.stop()
  // Records that a killed writer had not published yet are known once its outbox has been recovered.
  await expect
    .poll(() => absentWriters(dataDir))
    .toEqual([
      ['gateway-0-w1', 'released', 0],
      ['gateway-0-w2', 'released', 0],
    ])
  await expectParity(load, { warehouse, dataDir })
  const { stdout } = await runHindsight(['status', '--json'], dataDir)
  const { services } = JSON.parse(stdout) as { services: { service: string; state: string }[] }
  expect(services.filter(({ service }) => service === 'gateway')).toMatchObject([{ instance: 'gateway-0', state: 'ready' }])
}

async function start(service: ServiceName, own: Record<string, string>): Promise<ServiceProcess> {
  const started = await startService(service, { ...env, ...own })
  running.push(started)
  return started
}

/** Kills the parent first, which would start the workers again. */
function killAll(gateway: ServiceProcess): void {
  const pids = readRunFiles(directory.dir, 'gateway').map(({ pid }) => pid)
  gateway.kill()
  for (const pid of pids) killIfThere(pid)
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

async function recordsByWriter(dataDir: string): Promise<number[]> {
  const { writers } = await describeOutbox(join(dataDir, 'outbox'))
  return writers.map(({ lanes }) => lanes.find(({ lane }) => lane === 'predictions')?.durableSeq ?? 0)
}

/** The state of each absent writer and the segments that it still has. */
async function absentWriters(dataDir: string) {
  const { writers } = await describeOutbox(join(dataDir, 'outbox'))
  const absent = writers.filter(({ writerId }) => writerId !== 'gateway-0')
  return absent.map(({ writerId, state, lanes }) => [writerId, state, lanes.reduce((sum, { segments }) => sum + segments, 0)])
}
