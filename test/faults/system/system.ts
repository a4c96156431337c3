import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Warehouse } from '../../../platform/warehouse/warehouse.ts'
import { freePort } from '../../../platform/service/testing/free-port.ts'
import { createWarehouse } from '../../../platform/warehouse/warehouse-clickhouse.ts'
import { writePatientProject } from '../../testing/patient-project.ts'
import { type HttpProxy, startHttpProxy } from './http-proxy.ts'
import { type Links, openLinks } from './links.ts'
import type { HarnessProcess } from './process.ts'
import { createNatsServer, createRedisServer } from './servers.ts'
import { createService, type Service } from './service.ts'
import { type Addresses, dataDirOf, serviceEnv, warehousePassword } from './service-env.ts'
import { type LinkName, type ServiceId, type SetUp, type SystemSpec, serviceIds } from './spec.ts'
import { startAll } from './start-all.ts'
import { mountVolume, type Volume } from './volume.ts'

export type FaultSystem = {
  setUp: SetUp
  /** The folder of everything that the system writes: `data`, `logs`, `failpoints`, and a folder per server. */
  dir: string
  gatewayPort: number
  natsPort: number
  redisPort: number
  /** Gives one of the services that this system has. Throws for another. */
  service(id: ServiceId): Service
  has(id: ServiceId): boolean
  nats: HarnessProcess
  redis: HarnessProcess
  links: Links
  warehouseProxy: HttpProxy | undefined
  volume: Volume
  /** The warehouse without any proxy before it. */
  warehouse: Warehouse
  processes: readonly HarnessProcess[]
  /** Heals links, gives space back, continues what is stopped and starts what has ended. */
  recover(): Promise<void>
  /** Ends the services in the order of the data path, each by itself. */
  drain(): Promise<void>
  /** Ends everything at once and removes its files. */
  close(options: { keepFiles: boolean }): Promise<void>
}

const entries: Record<ServiceId, string> = {
  warehouse: 'embedded-warehouse/main.ts',
  gateway: 'gateway/main.ts',
  forwarder: 'forwarder/main.ts',
  logger: 'logger/main.ts',
  'logger-2': 'logger/main.ts',
  features: 'features/main.ts',
}
const drainDeadlineMs = 25_000

/** Starts a system of real processes for one fault and waits until it is ready. Everything listens on loopback. */
export async function startFaultSystem(setUp: SetUp, spec: SystemSpec): Promise<FaultSystem> {
  const dir = mkdtempSync(join(tmpdir(), 'hindsight-faults-'))
  for (const folder of ['logs', 'failpoints', 'data']) mkdirSync(join(dir, folder), { recursive: true })
  const ports = { gateway: await freePort(), warehouse: await freePort(), nats: await freePort(), redis: await freePort() }
  const volume = spec.volume === undefined ? undefined : mountVolume(volumePath(dir, spec.volume.of), spec.volume)
  const links = await openLinks(spec.links ?? [], (link) => ports[link.split('-')[1] as keyof typeof ports])
  const warehouseProxy = spec.warehouseProxy === true ? await startHttpProxy(ports.warehouse) : undefined
  const projectDir = writePatientProject(dir)
  const addresses: Addresses = { dir, projectDir, gatewayPort: ports.gateway, warehousePort: ports.warehouse, portOf }

  function portOf(service: ServiceId, target: 'warehouse' | 'nats' | 'redis'): number | undefined {
    if (target !== 'warehouse' && setUp === 'embedded') return undefined
    const viaHttp = target === 'warehouse' && service.startsWith('logger') ? warehouseProxy?.port : undefined
    return viaHttp ?? links.port(`${service.replace('-2', '')}-${target}` as LinkName) ?? ports[target]
  }

  const ids = serviceIds.filter((id) => (id !== 'forwarder' || setUp === 'servers') && (id !== 'logger-2' || spec.loggers === 2))
  const services = new Map(ids.map((id) => [id, serviceOf(id)]))
  function serviceOf(id: ServiceId): Service {
    mkdirSync(dataDirOf(id, addresses), { recursive: true })
    const entry = spec.entries?.[id] ?? entries[id]
    const env = () => serviceEnv(id, spec, addresses)
    return createService({ name: id, entry, preload: spec.preload?.[id], env, logDir: join(dir, 'logs') })
  }
  const service = (id: ServiceId) => present(services.get(id), id)

  const servers = setUp === 'servers' ? { nats: createNatsServer(dir, ports.nats), redis: createRedisServer(dir, ports.redis) } : undefined
  const processes: HarnessProcess[] = [...(servers === undefined ? [] : [servers.nats, servers.redis]), ...services.values()]
  const warehouse = createWarehouse({ url: `http://127.0.0.1:${ports.warehouse}`, password: warehousePassword })

  async function recover(): Promise<void> {
    links.heal()
    warehouseProxy?.set(() => 'pass')
    volume?.free()
    for (const one of processes) one.signal('SIGCONT')
    await startAll(processes)
  }

  async function drain(): Promise<void> {
    for (const id of ['gateway', 'forwarder'] as const) await services.get(id)?.drain(drainDeadlineMs)
    await Promise.all((['features', 'logger', 'logger-2'] as const).map((id) => services.get(id)?.drain(drainDeadlineMs)))
  }

  async function close({ keepFiles }: { keepFiles: boolean }): Promise<void> {
    await warehouse.close()
    await Promise.all(processes.map((one) => one.kill()))
    await Promise.all([links.close(), warehouseProxy?.close()])
    volume?.unmount()
    if (!keepFiles) rmSync(dir, { recursive: true, force: true, maxRetries: 3 })
  }

  try {
    await startAll(processes)
  } catch (error) {
    await close({ keepFiles: true })
    throw error
  }
  return {
    setUp,
    dir,
    gatewayPort: links.port('client-gateway') ?? ports.gateway,
    natsPort: ports.nats,
    redisPort: ports.redis,
    service,
    has: (id) => services.has(id),
    get nats() {
      return present(servers?.nats, 'nats-server')
    },
    get redis() {
      return present(servers?.redis, 'redis-server')
    },
    links,
    warehouseProxy,
    get volume() {
      return present(volume, 'volume')
    },
    warehouse,
    processes,
    recover,
    drain,
    close,
  }
}

function volumePath(dir: string, of: 'outbox' | 'warehouse' | 'nats' | 'data'): string {
  return of === 'nats' || of === 'data' ? join(dir, of) : join(dir, 'data', of)
}

function present<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`this system has no ${name}`)
  return value
}
