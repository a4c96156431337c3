import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type WriterDescription, describeOutbox } from '../../platform/outbox/describe-outbox.ts'
import type { ServiceStatus } from '../../platform/service/admin-listener.ts'
import { isAlive } from '../../platform/service/process-identity.ts'
import { type RunFile, connectionFromRunFiles, readRunFiles } from '../../platform/service/run-files.ts'
import { type ServiceName, serviceNames } from '../../platform/service/service.ts'
import { createWarehouse } from '../../platform/warehouse/warehouse-clickhouse.ts'
import { type SupervisorFile, supervisorFile } from '../supervisor/system.ts'

export type ServiceLine = {
  service: ServiceName
  /** The writer id of a gateway. */
  instance?: string
  /** `external`: ClickHouse that CLICKHOUSE_URL names, not ours to run. */
  state: 'ready' | 'not_ready' | 'draining' | 'silent' | 'down' | 'external'
  pid?: number
  uptime_s?: number
  restarts?: number
  last_exit?: { at: string; how: string; reason?: string }
  addresses: Record<string, string>
  failing_checks: string[]
  status: Record<string, unknown>
}

export type Freshness = { table: string; rows: number; newest?: string }

export type SystemStatus = {
  ok: boolean
  at: string
  data_dir: string
  supervisor?: { pid: number; started_at: string }
  services: ServiceLine[]
  outbox: WriterDescription[]
  warehouse: { reachable: boolean; freshness: Freshness[]; error?: string }
  recent_errors: { service: ServiceName; at: string; level: string; message: string }[]
}

const probeDeadlineMs = 4000
const shownErrors = 8

/** Asks every service, the outbox and the warehouse at once; what does not answer is said so, never waited for. */
export async function collectStatus(dataDir: string, env: NodeJS.ProcessEnv = process.env): Promise<SystemStatus> {
  const supervisor = await readSupervisor(dataDir)
  const external = Boolean(env['CLICKHOUSE_URL'])
  const [probes, { writers }, warehouse] = await Promise.all([
    Promise.all(expectedServices(supervisor, env).flatMap((service) => probeService(dataDir, service, supervisor))),
    describeOutbox(join(dataDir, 'outbox')),
    measureFreshness(dataDir, env),
  ])
  const services = probes.map((probe) => toLine(probe, { supervisor, external }))
  return {
    ok: services.every(({ state }) => state === 'ready' || state === 'external') && warehouse.reachable,
    at: new Date().toISOString(),
    data_dir: dataDir,
    ...(supervisor !== undefined && { supervisor: { pid: supervisor.pid, started_at: supervisor.started_at } }),
    services,
    outbox: writers,
    warehouse,
    recent_errors: newestErrors(probes),
  }
}

/** The forwarder is there with a broker only. */
function expectedServices(supervisor: SupervisorFile | undefined, env: NodeJS.ProcessEnv): ServiceName[] {
  const hasBroker = Boolean(env['NATS_URL']) || supervisor?.services.some(({ service }) => service === 'forwarder')
  return serviceNames.filter((service) => service !== 'forwarder' || hasBroker)
}

type Probe = { service: ServiceName; run: RunFile | undefined; status: ServiceStatus | undefined }

/** Every instance that runs, and what should run and does not. */
function probeService(dataDir: string, service: ServiceName, supervisor: SupervisorFile | undefined): Promise<Probe>[] {
  const runs = readRunFiles(dataDir, service)
  const supervised = supervisor?.services.find((state) => state.service === service)
  const isMissing = supervised === undefined ? runs.length === 0 : runs.every(({ pid }) => pid !== supervised.pid)
  const down: Probe[] = isMissing ? [{ service, run: undefined, status: undefined }] : []
  const up = runs.map(async (run): Promise<Probe> => ({ service, run, status: await fetchStatus(run.admin) }))
  return [...down.map((probe) => Promise.resolve(probe)), ...up]
}

async function fetchStatus(admin: string): Promise<ServiceStatus | undefined> {
  try {
    const response = await fetch(`${admin}/status`, { signal: AbortSignal.timeout(probeDeadlineMs) })
    return (await response.json()) as ServiceStatus
  } catch {
    // A process that lives and does not answer is shown as silent.
    return undefined
  }
}

function toLine({ service, run, status }: Probe, context: { supervisor: SupervisorFile | undefined; external: boolean }): ServiceLine {
  const supervised = context.supervisor?.services.find((state) => state.service === service && (run === undefined || state.pid === run.pid))
  return {
    service,
    ...(run?.instance !== undefined && { instance: run.instance }),
    state: stateOf(run, status, service === 'warehouse' && context.external),
    ...(run !== undefined && { pid: run.pid }),
    ...(status !== undefined && { uptime_s: status.uptime_s }),
    ...(supervised !== undefined && { restarts: supervised.restarts }),
    ...(supervised?.lastExit !== undefined && { last_exit: supervised.lastExit }),
    addresses: run?.addresses ?? {},
    failing_checks: Object.entries(status?.checks ?? {}).flatMap(([name, passes]) => (passes ? [] : [name])),
    status: status?.status ?? {},
  }
}

function stateOf(run: RunFile | undefined, status: ServiceStatus | undefined, external: boolean): ServiceLine['state'] {
  if (run === undefined) return external ? 'external' : 'down'
  if (status === undefined) return 'silent'
  if (status.draining) return 'draining'
  return status.ready ? 'ready' : 'not_ready'
}

const freshnessSql = `
  SELECT 'predictions' AS table, toUInt32(count()) AS rows, toString(max(ingested_at)) AS newest FROM bronze.prediction_events
  UNION ALL SELECT 'labels', toUInt32(count()), toString(max(ingested_at)) FROM bronze.label_events
  UNION ALL SELECT 'feature events', toUInt32(count()), toString(max(ingested_at)) FROM bronze.feature_events`

async function measureFreshness(dataDir: string, env: NodeJS.ProcessEnv): Promise<SystemStatus['warehouse']> {
  try {
    const connection = connectionFromRunFiles(dataDir, env)
    const { clickhouseUser: user, clickhousePassword: password } = connection
    const warehouse = createWarehouse({ url: connection.clickhouseUrl, user, password, readOnly: true, requestTimeoutMs: probeDeadlineMs })
    try {
      const rows = await warehouse.query<Required<Freshness>>(freshnessSql)
      return { reachable: true, freshness: rows.map((row) => (row.rows === 0 ? { table: row.table, rows: 0 } : row)) }
    } finally {
      await warehouse.close()
    }
  } catch (error) {
    return { reachable: false, freshness: [], error: error instanceof Error ? error.message : String(error) }
  }
}

function newestErrors(probes: readonly Probe[]): SystemStatus['recent_errors'] {
  const errors = probes.flatMap(({ service, status }) => (status?.recent_errors ?? []).map((error) => ({ service, ...error })))
  return errors.toSorted((one, other) => other.at.localeCompare(one.at)).slice(0, shownErrors)
}

async function readSupervisor(dataDir: string): Promise<SupervisorFile | undefined> {
  try {
    const file = JSON.parse(await readFile(supervisorFile(dataDir), 'utf8')) as SupervisorFile
    return isAlive(file) ? file : undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
