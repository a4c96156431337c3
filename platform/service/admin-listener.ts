import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isLoopback } from './common-config.ts'
import type { RecentError } from './logging-pino.ts'
import type { RunningService, ServiceName } from './service.ts'
import { prometheusContentType } from './telemetry-opentelemetry.ts'
import { within } from './within.ts'

export type AdminState = {
  service: ServiceName
  startedAt: string
  draining(): boolean
  /** The service; undefined until it has started. */
  running(): RunningService | undefined
  recentErrors(): RecentError[]
  renderMetrics(): Promise<string>
}

/** The answer of `/status`. */
export type ServiceStatus = {
  service: ServiceName
  pid: number
  started_at: string
  uptime_s: number
  ready: boolean
  draining: boolean
  checks: Record<string, boolean>
  addresses: Record<string, string>
  status: Record<string, unknown>
  recent_errors: RecentError[]
}

/** The time in which a check must hold: long enough for a store under load, short enough for a probe. */
const checkDeadlineMs = 2000

/** The longest that a client may take to send its headers, and its whole request. */
const timeouts = { headersTimeout: 10_000, requestTimeout: 30_000 } as const

/**
 * `/livez`, `/readyz`, `/metrics` and, for this machine only, `/status`; any other path is for the service's own `admin`
 * handler, which asks for a key by itself.
 */
export async function openAdminListener(state: AdminState, address: AdminAddress): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer(timeouts, (request, response) => {
    const admin = isOwn(request) ? undefined : state.running()?.admin
    if (admin !== undefined) return admin(request, response)
    answer(state, request).then(
      ({ status, type, body }) => send(response, status, type, body),
      () => send(response, 500, 'text/plain', 'error\n'),
    )
  })
  await listen(server, address)
  return {
    url: `http://${localName(address.host)}:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

export type AdminAddress = { host: string; port: number }

const ownPaths = ['/livez', '/readyz', '/metrics', '/status']

function isOwn(request: IncomingMessage): boolean {
  return ownPaths.includes(pathOf(request))
}

function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '/'
}

/** The name by which this machine reaches a listener, also one that takes any address. */
function localName(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

function isFromHere({ socket }: IncomingMessage): boolean {
  return isLoopback((socket.remoteAddress ?? '').replace(/^::ffff:/, ''))
}

type AdminAnswer = { status: number; type: string; body: string }

async function answer(state: AdminState, request: IncomingMessage): Promise<AdminAnswer> {
  const path = pathOf(request)
  if (request.method !== 'GET') return text(405, 'method not allowed')
  if (path === '/livez') return text(200, 'ok')
  if (path === '/metrics') return { status: 200, type: prometheusContentType, body: await state.renderMetrics() }
  if (path === '/readyz') {
    const [{ ready, checks }, notes] = await Promise.all([readiness(state), notesOf(state)])
    return json(ready ? 200 : 503, { ready, checks, ...notes })
  }
  if (path === '/status' && isFromHere(request)) return json(200, await describe(state))
  return text(404, 'not found')
}

/** Whether the service is ready: it has started, is not draining, and every check holds within the deadline. */
export async function readiness(
  state: Pick<AdminState, 'draining' | 'running'>,
): Promise<{ ready: boolean; checks: Record<string, boolean> }> {
  const service = state.running()
  if (service === undefined) return { ready: false, checks: { started: false } }
  if (state.draining()) return { ready: false, checks: { not_draining: false } }
  const checks = await inTime(service.checks?.(), { answers_in_time: false })
  return { ready: Object.values(checks).every(Boolean), checks }
}

function notesOf({ running }: Pick<AdminState, 'running'>): Promise<object> {
  return inTime(running()?.notes?.(), {})
}

async function describe(state: AdminState): Promise<ServiceStatus> {
  const { ready, checks } = await readiness(state)
  const status = await inTime(state.running()?.status?.(), { unavailable: true })
  return {
    service: state.service,
    pid: process.pid,
    started_at: state.startedAt,
    uptime_s: Math.round((Date.now() - Date.parse(state.startedAt)) / 1000),
    ready,
    draining: state.draining(),
    checks,
    addresses: state.running()?.addresses ?? {},
    status,
    recent_errors: state.recentErrors(),
  }
}

// A check that throws is a check that failed: the log of the service says why, a probe only asks whether.
function inTime<T extends object>(work: Promise<T> | undefined, otherwise: T): Promise<T> {
  const instead = () => otherwise
  return within(checkDeadlineMs, work?.catch(instead) ?? Promise.resolve({} as T), instead)
}

function listen(server: Server, { host, port }: AdminAddress): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', fail)
    // The port is this process's own, in a worker of a cluster too.
    server.listen({ port, host, exclusive: true }, () => done())
  })
}

function text(status: number, body: string): AdminAnswer {
  return { status, type: 'text/plain; charset=utf-8', body: `${body}\n` }
}

function json(status: number, body: unknown): AdminAnswer {
  return { status, type: 'application/json', body: `${JSON.stringify(body)}\n` }
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  const headers = { 'content-type': type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }
  response.writeHead(status, headers).end(body)
}
