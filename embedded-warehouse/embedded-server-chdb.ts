import { once } from 'node:events'
import { accessSync, constants, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { ServiceError } from '../contracts/errors.ts'
import type { Credentials } from './http/credentials.ts'
import { type Engine, type EngineOptions, openEngine } from './engine/engine-chdb.ts'
import { createDiskReserve, freeBytesOf } from './engine/disk-reserve.ts'
import { type EngineHealth, createEngineHealth } from './engine/engine-health.ts'
import { createAnalystSession } from './analyst-session.ts'
import { frontParameters } from './http/http-request.ts'
import { valuesSettings } from './sql/parsed-arguments.ts'
import { createHttpSessions } from './http/http-sessions.ts'
import { createSpool } from './http/spool.ts'
import { type HandlerDeps, createQueryHandler } from './query-handler-chdb.ts'
import { readFunctionCatalog } from './guard/function-catalog-chdb.ts'
import { createReadAmounts } from './guard/read-amount-chdb.ts'
import { homeDatabase, readSystemTables } from './guard/read-only-chdb.ts'
import { type Readiness, createReadiness } from './readiness.ts'
import { createServiceGuard } from './guard/service-guard-chdb.ts'
import type { Lease } from './engine/session-slot-chdb.ts'
import { type AnalystLimits, createSettingsPolicy, defaultAnalystLimits } from './guard/settings-policy.ts'
import { favourEventLoop } from './engine/thread-priority.ts'
import { createWriteWatch } from './engine/write-watch.ts'

export type EmbeddedWarehouseOptions = {
  /** The warehouse's own folder; created where missing. One process at a time. */
  dir: string
  /** The services' port; 0 takes a free one. */
  port: number
  readOnlyPort: number
  /** The address to listen on, by default 127.0.0.1. */
  host?: string
  /** Required of every request to the services' port but `/ping` when given. */
  credentials?: Credentials
  /** Required of every request to the analysts' port but `/ping` when given. */
  readOnlyCredentials?: Credentials
  /** Whether analysts find what they read, asked with the services' URL; until then their port answers 503. Default: as soon as there is `gold`. */
  hasTables?: (url: string) => Promise<boolean>
  sessions?: EngineOptions['sessions']
  /** How many requests may wait for a session, and how long. */
  waiting?: EngineOptions['waiting']
  analystLimits?: Partial<AnalystLimits>
  /** Tables that analysts do not see; default the raw payloads. */
  deniedTables?: RegExp
  /** The most bytes of one request's body, decompressed. Default 4 GiB. */
  maxBodyBytes?: number
  /** The most bytes of a statement without its data. Default 4 MiB. */
  maxQueryBytes?: number
  onError?: (error: unknown, queryId: string) => void
  /** Told when a write has failed, right before this process ends at once: nothing of what the engine holds can be trusted then. */
  onLostWrite?: () => void
}

export type EmbeddedWarehouse = {
  url: string
  readOnlyUrl: string
  version: string
  /** Whether the engine itself answers. */
  healthy(): boolean
  running(): number
  /** Waits for running queries, at most `graceMs`, then cancels them and closes the data directory. */
  stop(graceMs?: number): Promise<void>
}

/** ClickHouse in this process behind its own HTTP interface, on two ports: one for the services, one that only reads. */
export async function startEmbeddedWarehouse(options: EmbeddedWarehouseOptions): Promise<EmbeddedWarehouse> {
  const dir = prepareDirectory(options.dir)
  const limits = { ...defaultAnalystLimits, ...options.analystLimits }
  await requireSpace(dir)
  const engine = await openEngine({
    dir: join(dir, 'engine'),
    analystArgs: analystArgs(limits),
    ...(options.sessions && { sessions: options.sessions }),
    ...(options.waiting && { waiting: options.waiting }),
  })
  try {
    return await listenOn(engine, { ...options, dir }, limits)
  } catch (error) {
    await engine.close()
    throw error
  }
}

/** The most HTTP sessions that each port keeps. */
const maxSessions = 32

async function listenOn(engine: Engine, options: EmbeddedWarehouseOptions, limits: AnalystLimits): Promise<EmbeddedWarehouse> {
  const never = new AbortController().signal
  favourEventLoop()
  const writes = createWriteWatch({ failedWrites: engine.failedWrites, onLost: () => endAtOnce(options.onLostWrite) })
  await writes.check()
  const catalog = await engine.lease('judge', never, readFunctionCatalog)
  const settings = createSettingsPolicy(limits, engine.settingsOf('analyst'))
  const openSettings = [...engine.settingsOf('analyst').keys()].filter((name) => settings.isOpen(name) || frontParameters.has(name))
  const systemTables = await engine.lease('judge', never, (lease) => readSystemTables(lease, openSettings))
  const deps: Omit<HandlerDeps, 'audience'> = {
    engine,
    writes,
    reserve: createDiskReserve(() => freeBytesOf(options.dir)),
    spool: createSpool(join(options.dir, 'spool')),
    dir: options.dir,
    maxBodyBytes: options.maxBodyBytes ?? 4 * 1024 ** 3,
    maxQueryBytes: options.maxQueryBytes ?? 4 * 1024 ** 2,
    onError: options.onError ?? (() => undefined),
  }
  const health = createEngineHealth(writes.check)
  const guard = {
    catalog,
    settings,
    systemTables,
    readAmountOf: createReadAmounts(),
    deniedTables: options.deniedTables ?? /(^|\.)\w*_payloads$/i,
  }
  const serviceSessions = createHttpSessions({ open: engine.openKept, maxSessions })
  const analystSessions = createHttpSessions({ open: () => createAnalystSession(settings), maxSessions })
  const handleServices = createQueryHandler({
    ...deps,
    ...(options.credentials && { credentials: options.credentials }),
    audience: { kind: 'services', guard: createServiceGuard({ engine, catalog }), sessions: serviceSessions },
  })
  const host = options.host ?? '127.0.0.1'
  const main = await listen(createFront({ health, handle: handleServices }), options.port, host)
  const { hasTables } = options
  const readiness = createReadiness(() => hasTables?.(main.url) ?? engine.lease('judge', never, hasHome))
  const handleAnalysts = createQueryHandler({
    ...deps,
    ...(options.readOnlyCredentials && { credentials: options.readOnlyCredentials }),
    audience: { kind: 'analysts', guard, readiness, sessions: analystSessions },
  })
  let readOnly: Listening
  try {
    readOnly = await listen(createFront({ health, handle: handleAnalysts, readiness }), options.readOnlyPort, host)
  } catch (error) {
    await main.stop(0)
    throw error
  }
  return {
    url: main.url,
    readOnlyUrl: readOnly.url,
    version: engine.version,
    healthy: health.ok,
    running: engine.running,
    async stop(graceMs = 10_000) {
      await Promise.all([main.stop(graceMs), readOnly.stop(graceMs)])
      health.stop()
      serviceSessions.close()
      analystSessions.close()
      await engine.close()
    },
  }
}

/** The engine's own guard behind ours: it lets no statement write, and no query lift a limit of its session. */
function analystArgs(limits: AnalystLimits): string[] {
  return [
    '--readonly=2',
    '--result_overflow_mode=throw',
    '--timeout_overflow_mode=throw',
    ...valuesSettings.map((name) => `--${name}=0`),
    ...Object.entries(limits).map(([name, value]) => `--${name}=${value}`),
  ]
}

function prepareDirectory(path: string): string {
  const dir = resolve(path)
  if (/[*?{}]/.test(dir)) throw new ServiceError('invalid_config', `the warehouse's path must not contain * ? { or }: ${dir}`)
  try {
    mkdirSync(dir, { recursive: true })
    accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK)
    const probe = join(dir, `.writable-${process.pid}`)
    writeFileSync(probe, '')
    rmSync(probe)
  } catch (cause) {
    throw new ServiceError('invalid_config', `cannot write to the warehouse's directory ${dir}`, {
      cause,
      hint: 'choose another data directory',
    })
  }
  return dir
}

/** Refuses to start on a full disk: the engine's files would be opened, and perhaps written, where nothing more fits. */
async function requireSpace(dir: string): Promise<void> {
  try {
    await createDiskReserve(() => freeBytesOf(dir)).require('SELECT')
  } catch (cause) {
    throw new ServiceError('invalid_config', `the disk of the warehouse's directory ${dir} is full`, { cause, hint: 'free space' })
  }
}

/** Kills this process: closing the engine would go on writing, and `process.exit` waits for running queries. The next start takes what is whole on the disk. */
function endAtOnce(tell: (() => void) | undefined): void {
  tell?.()
  process.kill(process.pid, 'SIGKILL')
}

async function hasHome(lease: Lease): Promise<boolean> {
  const exists = await lease.query(`EXISTS DATABASE ${homeDatabase}`, 'TSVRaw')
  return exists.text().trim() === '1'
}

type RequestHandler = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void>

type FrontDeps = { health: EngineHealth; handle: RequestHandler; readiness?: Readiness }

function createFront(deps: FrontDeps): Server {
  // The server takes long parameters, which travel in the URL, and connections that clients keep open between batches.
  const server = createServer({ maxHeaderSize: 1 << 20, keepAliveTimeout: 65_000, requestTimeout: 600_000 }, (request, response) => {
    void route(request, response, deps)
  })
  return server
}

async function route(request: IncomingMessage, response: ServerResponse, { health, handle, readiness }: FrontDeps): Promise<void> {
  const url = URL.canParse(request.url ?? '/', 'http://warehouse') ? new URL(request.url ?? '/', 'http://warehouse') : undefined
  const isQuery = url?.pathname === '/' && (request.method === 'POST' || url.searchParams.has('query'))
  if (url === undefined) return plain(response, 400, 'Bad request\n')
  if (!['GET', 'HEAD', 'POST'].includes(request.method ?? ''))
    return plain(response, 405, 'Method not allowed\n', { Allow: 'GET, HEAD, POST' })
  if (url.pathname === '/ping' || url.pathname === '/replicas_status') {
    if (!health.ok()) return plain(response, 503, 'The engine does not answer\n')
    if ((await readiness?.isReady()) === false) return plain(response, 503, 'Not ready\n', { 'Retry-After': '5' })
    return plain(response, 200, 'Ok.\n')
  }
  if (isQuery) return await handle(request, response, url)
  if (url.pathname === '/') return plain(response, 200, 'Ok.\n')
  return plain(response, 404, `There is no handle ${url.pathname}\n`)
}

function plain(response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=UTF-8', ...headers })
  response.end(text)
}

type Listening = { url: string; stop(graceMs: number): Promise<void> }

async function listen(server: Server, port: number, host: string): Promise<Listening> {
  server.listen(port, host)
  await once(server, 'listening')
  const address = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    async stop(graceMs) {
      const closed = new Promise<void>((done) => server.close(() => done()))
      server.closeIdleConnections()
      const cut = setTimeout(() => server.closeAllConnections(), graceMs)
      await closed
      clearTimeout(cut)
    },
  }
}
