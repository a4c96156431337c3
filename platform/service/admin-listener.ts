import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { RecentError } from './logging-pino.ts'
import type { RunningService, ServiceName } from './service.ts'
import { prometheusContentType } from './telemetry-opentelemetry.ts'

export type AdminState = {
  service: ServiceName
  startedAt: string
  draining(): boolean
  /** Undefined until the service has started. */
  running(): RunningService | undefined
  recentErrors(): RecentError[]
  renderMetrics(): Promise<string>
}

/** What `/status` answers. */
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

/** Long enough for a store under load, short enough for a probe. */
const checkDeadlineMs = 2000

/** Listens on loopback only. `/livez`, `/readyz`, `/metrics` and `/status`. */
export async function openAdminListener(state: AdminState, port: number): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    answer(state, request).then(
      ({ status, type, body }) => send(response, status, type, body),
      () => send(response, 500, 'text/plain', 'error\n'),
    )
  })
  await listen(server, port)
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

type Answer = { status: number; type: string; body: string }

async function answer(state: AdminState, request: IncomingMessage): Promise<Answer> {
  const path = (request.url ?? '/').split('?', 1)[0]
  if (request.method !== 'GET') return text(405, 'method not allowed')
  if (path === '/livez') return text(200, 'ok')
  if (path === '/metrics') return { status: 200, type: prometheusContentType, body: await state.renderMetrics() }
  if (path === '/readyz') {
    const { ready, checks } = await readiness(state)
    return json(ready ? 200 : 503, { ready, checks })
  }
  if (path === '/status') return json(200, await describe(state))
  return text(404, 'not found')
}

/** Ready means: started, not draining, and every check true within the deadline. */
export async function readiness(
  state: Pick<AdminState, 'draining' | 'running'>,
): Promise<{ ready: boolean; checks: Record<string, boolean> }> {
  const service = state.running()
  if (service === undefined) return { ready: false, checks: { started: false } }
  if (state.draining()) return { ready: false, checks: { not_draining: false } }
  const checks = await within(checkDeadlineMs, service.checks?.() ?? Promise.resolve({}), { answers_in_time: false })
  return { ready: Object.values(checks).every(Boolean), checks }
}

async function describe(state: AdminState): Promise<ServiceStatus> {
  const { ready, checks } = await readiness(state)
  const status = await within(checkDeadlineMs, state.running()?.status?.() ?? Promise.resolve({}), { unavailable: true })
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
async function within<T extends object>(ms: number, work: Promise<T>, otherwise: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<T>((done) => {
    timer = setTimeout(() => done(otherwise), ms)
  })
  try {
    return await Promise.race([work.catch(() => otherwise), late])
  } finally {
    clearTimeout(timer)
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', fail)
    server.listen(port, '127.0.0.1', () => done())
  })
}

function text(status: number, body: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${body}\n` }
}

function json(status: number, body: unknown): Answer {
  return { status, type: 'application/json', body: `${JSON.stringify(body)}\n` }
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body)
}
