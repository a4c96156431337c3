import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { ServiceError } from '../../contracts/errors.ts'
import { loadRunnerConfig } from '../../platform/service/common-config.ts'
import { identifyProcess } from '../../platform/service/process-identity.ts'
import { readRunFile } from '../../platform/service/run-files.ts'
import { readPassword } from '../../platform/service/warehouse-password.ts'
import { type ServiceName, serviceNames } from '../../platform/service/service.ts'
import { refusalsOf } from '../status/refusals.ts'
import { type ChildService, type ChildState, startChildService } from './child-service.ts'
import { waitForEmptyLog } from './event-log-lag.ts'
import { pickPort } from './ports.ts'
import { createSerial } from '../../platform/service/serial.ts'
import { writeFileAtomically } from '../../platform/service/durable-files.ts'
import type { KeptProcessEvent, ProcessEnd } from '../../platform/service/kept-process.ts'

export type SystemOptions = {
  projectDir: string
  dataDir: string
  host: string
  port: number
  env: NodeJS.ProcessEnv
  /** Aborted when everything is about to stop: from then on nothing is started again. */
  signal: AbortSignal
  /** Prints a line for the person who watches. */
  say: (line: string) => void
}

export type System = {
  gatewayUrl: string
  /** The URL at which analysts connect; undefined where ClickHouse is not started here. */
  readOnlyWarehouseUrl: string | undefined
  clickhouseUrl: string
  clickhousePassword: string | undefined
  states(): ChildState[]
  /** Stops the services in the order in which data flows. True when every one drained by itself. */
  drain(): Promise<boolean>
  killAll(): void
}

/** What `<data>/run/up.json` says of the supervisor and its services. */
export type SupervisorFile = { pid: number; born?: string; started_at: string; services: ChildState[] }

export const supervisorFile = (dataDir: string) => join(dataDir, 'run', 'up.json')

/** How long is waited beyond the services' own deadline to drain, at which each ends by itself. */
const stopGraceMs = 5_000
const emptyLogDeadlineMs = 15_000
const earlierRunDeadlineMs = 30_000
const sayNotReadyMs = 30_000
const readyLookMs = 50

const entries: Record<ServiceName, string> = {
  forwarder: 'forwarder/main.ts',
  warehouse: 'embedded-warehouse/main.ts',
  logger: 'logger/main.ts',
  features: 'features/main.ts',
  labeler: 'labeler/main.ts',
  gateway: 'gateway/main.ts',
}

/** Starts every service as a process of its own, in order, and keeps each running. */
export async function startSystem(options: SystemOptions): Promise<System> {
  const dataDir = resolve(options.dataDir)
  const children = new Map<ServiceName, ChildService>()
  const stopDeadlineMs = loadRunnerConfig(options.env).HINDSIGHT_DRAIN_TIMEOUT_MS + stopGraceMs
  const startedAt = new Date().toISOString()
  const states = () => [...children.values()].map((child) => child.state())
  const baseEnv: NodeJS.ProcessEnv = {
    ...options.env,
    HINDSIGHT_PROJECT_DIR: resolve(options.projectDir),
    HINDSIGHT_DATA_DIR: dataDir,
    HINDSIGHT_HOST: options.host,
    HINDSIGHT_PORT: String(options.port),
  }
  // Several services cannot share one admin port.
  delete baseEnv['HINDSIGHT_ADMIN_PORT']

  options.signal.addEventListener('abort', () => {
    for (const child of children.values()) child.letEnd()
  })

  async function start(service: ServiceName, env: (previous: Record<string, string>) => NodeJS.ProcessEnv): Promise<ChildState> {
    options.signal.throwIfAborted()
    const child = startChildService({
      service,
      entry: entries[service],
      env: (previous) => ({ ...baseEnv, ...env(previous) }),
      logDir: join(dataDir, 'logs'),
      onEvent: (event) => {
        describeEvent(service, event, options.say)
        void recordStates()
      },
    })
    children.set(service, child)
    await child.started
    return child.state()
  }

  const inTurn = createSerial()
  async function recordStates(): Promise<void> {
    try {
      await inTurn(() => {
        const content: SupervisorFile = { ...identity(), started_at: startedAt, services: states() }
        return writeFileAtomically(supervisorFile(dataDir), `${JSON.stringify(content, null, 2)}\n`)
      })
    } catch (error) {
      options.say(`cannot write ${supervisorFile(dataDir)}: ${String(error)}`)
    }
  }

  async function stopOne(service: ServiceName): Promise<boolean> {
    const end = (await children.get(service)?.stop(stopDeadlineMs)) ?? { kind: 'drained' }
    if (end.kind !== 'drained') options.say(describeEnd(service, end, stopDeadlineMs))
    return end.kind === 'drained'
  }

  async function drain(): Promise<boolean> {
    const results = [await stopOne('gateway')]
    if (consumersOf(children).every((service) => isReady(children, service))) await waitForEmptyLog(dataDir, emptyLogDeadlineMs)
    results.push(...(await Promise.all([stopOne('features'), stopOne('logger'), stopOne('labeler'), stopOne('forwarder')])))
    results.push(await stopOne('warehouse'))
    await inTurn(() => rm(supervisorFile(dataDir), { force: true }))
    return results.every(Boolean)
  }

  const killAll = () => {
    for (const child of children.values()) child.kill()
  }

  try {
    await waitForEarlierRun(dataDir, options.say)
    const warehouse = await startWarehouse(start, { env: options.env, dataDir })
    baseEnv['CLICKHOUSE_URL'] = warehouse.url
    if (warehouse.password !== undefined) baseEnv['CLICKHOUSE_PASSWORD'] = warehouse.password
    // The logger makes the tables and features the store; the others wait for both by themselves.
    const [gateway] = await Promise.all([
      start('gateway', ({ http }) => (http === undefined ? {} : { HINDSIGHT_PORT: new URL(http).port })),
      ...(['logger', 'features', 'labeler'] as const).map((service) => start(service, () => ({}))),
      ...(options.env['NATS_URL'] ? [start('forwarder', () => ({}))] : []),
    ])
    const gatewayUrl = requireAddress(gateway, 'http')
    await waitUntilReady(children, { dataDir, signal: options.signal, say: options.say })
    return {
      gatewayUrl,
      clickhouseUrl: warehouse.url,
      clickhousePassword: warehouse.password,
      readOnlyWarehouseUrl: warehouse.readOnlyUrl,
      states,
      drain,
      killAll,
    }
  } catch (error) {
    await drain()
    throw error
  }
}

type Start = (service: ServiceName, env: (previous: Record<string, string>) => NodeJS.ProcessEnv) => Promise<ChildState>

type WarehouseAccess = { url: string; readOnlyUrl: string | undefined; password: string | undefined }

async function startWarehouse(start: Start, { env, dataDir }: { env: NodeJS.ProcessEnv; dataDir: string }): Promise<WarehouseAccess> {
  const url = env['CLICKHOUSE_URL']
  const ownPassword = env['CLICKHOUSE_PASSWORD'] || undefined
  if (url) return { url, readOnlyUrl: undefined, password: ownPassword }
  // The ports are fixed where they can be, so that a dashboard finds the analysts' port again after a restart.
  const port = await pickPort(Number(env['HINDSIGHT_WAREHOUSE_PORT'] || 18_123))
  const readOnlyPort = await pickPort(Number(env['HINDSIGHT_WAREHOUSE_READ_ONLY_PORT'] || 18_124))
  const ports = { HINDSIGHT_WAREHOUSE_PORT: String(port), HINDSIGHT_WAREHOUSE_READ_ONLY_PORT: String(readOnlyPort) }
  // Scans fill libuv's pool, and then nothing else in that process reads a file or answers a ping.
  const state = await start('warehouse', () => ({ UV_THREADPOOL_SIZE: '32', ...ports }))
  return {
    url: requireAddress(state, 'http'),
    readOnlyUrl: requireAddress(state, 'http_read_only'),
    password: ownPassword ?? readPassword(dataDir),
  }
}

function requireAddress(state: ChildState, name: string): string {
  const address = state.addresses[name]
  if (address === undefined) throw new Error(`${state.service} did not say where it listens (${name})`)
  return address
}

/**
 * Waits until every service is ready. After its start a view may be in the making, a model warming up, or a server of the user's
 * away. A service that takes long is named, again and again; what others do goes on meanwhile.
 */
async function waitUntilReady(
  children: ReadonlyMap<ServiceName, ChildService>,
  { dataDir, signal, say }: { dataDir: string; signal: AbortSignal; say: (line: string) => void },
): Promise<void> {
  const began = Date.now()
  let sayAt = began + sayNotReadyMs
  for (const child of children.values()) {
    for (;;) {
      signal.throwIfAborted()
      const failing = await failingChecks(child.state())
      if (failing.includes('a_model_is_served')) throw await noModelServed(child.state())
      if (failing.length === 0) break
      if (Date.now() > sayAt) {
        const seconds = Math.round((Date.now() - began) / 1000)
        say(
          `${child.service} is not ready after ${seconds} s: ${failing.join(', ')}; its log says why: ${join(dataDir, 'logs', `${child.service}.log`)}`,
        )
        sayAt = Date.now() + sayNotReadyMs
      }
      await wait(readyLookMs)
    }
  }
  const statuses = [...children.values()].map(async (child) => ({ service: child.service, status: await statusOf(child.state()) }))
  for (const refusal of refusalsOf(await Promise.all(statuses))) say(refusal)
}

/** The error of a gateway that serves no model: nothing that `up` waits for could change that. */
async function noModelServed(state: ChildState): Promise<ServiceError> {
  const refusals = refusalsOf([{ service: state.service, status: await statusOf(state) }])
  return new ServiceError('invalid_project', `no model of the project is served: ${refusals.join('; ')}`, { hint: 'npx hindsight check' })
}

async function statusOf({ admin }: ChildState): Promise<Record<string, unknown>> {
  try {
    const response = await fetch(`${admin}/status`)
    return ((await response.json()) as { status: Record<string, unknown> }).status
  } catch {
    // A service whose status cannot be read refuses nothing.
    return {}
  }
}

async function failingChecks({ admin }: ChildState): Promise<string[]> {
  try {
    const response = await fetch(`${admin}/readyz`)
    const { checks } = (await response.json()) as { checks: Record<string, boolean> }
    return response.ok ? [] : Object.keys(checks).filter((name) => !checks[name])
  } catch {
    // A service that does not answer may be starting again, as the supervisor has said.
    return ['answers']
  }
}

/** The consumers that must run for what the outbox holds to get where it belongs. */
function consumersOf(children: ReadonlyMap<ServiceName, ChildService>): ServiceName[] {
  return children.has('forwarder') ? ['logger', 'forwarder'] : ['logger', 'features']
}

function isReady(children: ReadonlyMap<ServiceName, ChildService>, service: ServiceName): boolean {
  return children.get(service)?.state().ready ?? false
}

function identity(): { pid: number; born?: string } {
  const { pid, born } = identifyProcess()
  return born === undefined ? { pid } : { pid, born }
}

/** After a supervisor was killed, its services may still be draining: they hold the outbox and the stores. */
async function waitForEarlierRun(dataDir: string, say: (line: string) => void): Promise<void> {
  const deadline = Date.now() + earlierRunDeadlineMs
  let said = false
  for (;;) {
    const running = serviceNames.flatMap((service) => readRunFile(dataDir, service) ?? [])
    const [first] = running
    if (first === undefined) return
    if (Date.now() > deadline)
      throw new ServiceError('invalid_config', `${first.service} (pid ${first.pid}) already runs on ${dataDir}`, {
        hint: 'stop it first, or choose another --data-dir',
      })
    if (!said) say(`waiting for ${running.map((file) => file.service).join(', ')} of an earlier run to end`)
    said = true
    await wait(100)
  }
}

function describeEnd(service: ServiceName, end: Exclude<ProcessEnd, { kind: 'drained' }>, stopDeadlineMs: number): string {
  if (end.kind === 'slow') return `${service} did not drain in time: killed after ${stopDeadlineMs / 1000} s`
  return end.kind === 'died'
    ? `${service} ended (${end.how}) before it had drained: see its log`
    : `${service} was not running: it had ended (${end.how}) and was to be started again`
}

function describeEvent(service: ServiceName, event: KeptProcessEvent, say: (line: string) => void): void {
  if (event.kind === 'ready' && event.restarts > 0) say(`${service} is back`)
  if (event.kind === 'died')
    say(
      `${service} ended (${event.how})${event.refusal === undefined ? '' : `: ${event.refusal.message}`}; starting it again in ${event.nextTryMs} ms`,
    )
  if (event.kind === 'gave_trouble') say(`${service} keeps ending: see its log; the others go on`)
}
