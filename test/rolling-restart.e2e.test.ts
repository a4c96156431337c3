import { afterAll, beforeAll, expect, test } from 'vitest'
import { readPassword } from '../platform/service/warehouse-password.ts'
import { createWarehouse } from '../platform/warehouse/warehouse-clickhouse.ts'
import type { Warehouse } from '../platform/warehouse/warehouse.ts'
import { type Balancer, startBalancer } from './testing/balancer.ts'
import { createDataDirectory } from './testing/hindsight-process.ts'
import { startOpenLoop } from './testing/open-loop.ts'
import { expectParity } from './testing/parity.ts'
import { writePatientProject } from './testing/patient-project.ts'
import { runHindsight } from './testing/run-command.ts'
import { type ServiceProcess, startService } from './testing/service-process.ts'

const { dir: dataDir, remove } = createDataDirectory()
const patience = { HINDSIGHT_DRAIN_DELAY_MS: '8000', HINDSIGHT_DRAIN_TIMEOUT_MS: '60000' }
const writerIds = ['gateway-0', 'gateway-1']
const running = new Map<string, ServiceProcess>()
let warehouse: Warehouse
let balancer: Balancer
let env: Record<string, string>

/** The port of each gateway, so that it comes back where it was. */
const ports = new Map<string, string>()

beforeAll(async () => {
  env = { HINDSIGHT_DATA_DIR: dataDir, HINDSIGHT_PROJECT_DIR: writePatientProject(dataDir) }
  const started = await startService('warehouse', { ...env, HINDSIGHT_WAREHOUSE_PORT: '0', HINDSIGHT_WAREHOUSE_READ_ONLY_PORT: '0' })
  running.set('warehouse', started)
  const url = started.addresses['http'] ?? ''
  env['CLICKHOUSE_PASSWORD'] = readPassword(dataDir) ?? ''
  warehouse = createWarehouse({ url, password: env['CLICKHOUSE_PASSWORD'] })
  env['CLICKHOUSE_URL'] = url
  const others = (['logger', 'features'] as const).map(async (service) => running.set(service, await startService(service, env)))
  await Promise.all([...others, ...writerIds.map(startGateway)])
  balancer = await startBalancer(writerIds.map((writerId) => `http://127.0.0.1:${ports.get(writerId)}`))
})
afterAll(async () => {
  await balancer?.close()
  await warehouse?.close()
  for (const service of running.values()) service.kill()
  remove()
})

/**
 * Starts a gateway whose delay is far above the balancer's time between two looks, and its time to drain above what a drain
 * takes, on a machine that may be busy.
 */
async function startGateway(writerId: string): Promise<void> {
  const own = { HINDSIGHT_WRITER_ID: writerId, HINDSIGHT_PORT: ports.get(writerId) ?? '0', ...patience }
  const gateway = await startService('gateway', { ...env, ...own })
  running.set(writerId, gateway)
  ports.set(writerId, new URL(gateway.addresses['http'] ?? '').port)
}

test('two gateways restarted one after the other under load: no request fails, and all that was answered is stored', async () => {
  const { stdout } = await runHindsight(['status', '--json'], dataDir)
  const { services } = JSON.parse(stdout) as { services: { service: string; instance?: string; state: string }[] }
  const gateways = services.filter(({ service }) => service === 'gateway')
  expect(gateways).toMatchObject(writerIds.map((instance) => ({ instance, state: 'ready' })))

  await expect.poll(() => balancer.inRotation()).toBe(2)
  const load = startOpenLoop({ url: () => balancer.url, prefix: 'rolling', perSecond: 20 })
  for (const writerId of writerIds) {
    const before = load.answered.size
    await expect.poll(() => load.answered.size).toBeGreaterThan(before + 40)
    expect(await running.get(writerId)?.stop()).toBe(0)
    await startGateway(writerId)
    await expect.poll(() => balancer.inRotation()).toBe(2)
  }
  const before = load.answered.size
  await expect.poll(() => load.answered.size).toBeGreaterThan(before + 40)
  await load.stop()

  expect(load.failures).toEqual([])
  expect(load.answered.size).toBe(load.attempted.size)
  expect(balancer.passed().reused, 'connections are kept').toBeGreaterThan(60)
  await expectParity(load, { warehouse, dataDir })
})
