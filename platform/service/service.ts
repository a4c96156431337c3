import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Meter } from '@opentelemetry/api'
import type { Logger } from 'pino'
import type { Instruments } from './instruments.ts'
import type { Tracing } from './tracing.ts'

/** What every service process is given. */
export type ServiceContext<Config> = {
  config: Config
  logger: Logger
  meter: Meter
  /** The metrics that are counted on the path of a request, cheaper than those of `meter`. */
  instruments: Instruments
  /** The maker of spans; undefined unless traces are sent (`docs/tracing.md`). */
  tracing: Tracing | undefined
  /** The process's metrics in Prometheus text format, for a service that shows them on a listener of its own. */
  renderMetrics(): Promise<string>
  /** Ends the process with exit 1 after logging: for faults that a restart may mend. */
  fail(error: unknown): void
}

/** A started service. The runner calls `drain` once, on SIGTERM or when its supervisor is gone, within a deadline. */
export type RunningService = {
  /** Stops taking work, finishes what is under way, closes everything. */
  drain(): Promise<void>
  /** Whether, after the drain, a native call that cannot be ended would hold up the end of the process. */
  holdsProcess?(): boolean
  /** Whether it can do its work now, by named check; all true means ready. */
  checks?(): Promise<Record<string, boolean>>
  /** Notes that `/readyz` gives beside the checks, which someone should know and a load balancer should not act on. */
  notes?(): Promise<object>
  /** Its part of `hindsight status`: small, JSON. */
  status?(): Promise<Record<string, unknown>>
  /** Answers what the admin listener has no path for, and asks for a key where that listener is not this machine's alone. */
  admin?(request: IncomingMessage, response: ServerResponse): void
  /** The service's metrics in Prometheus text format, given its own: with those of the processes behind it. */
  metrics?(own: string): Promise<string>
  /** Addresses it listens on for its users, as `{ http: 'http://127.0.0.1:8080' }`. */
  addresses?: Record<string, string>
}

export const serviceNames = ['warehouse', 'gateway', 'forwarder', 'features', 'logger', 'labeler'] as const
export type ServiceName = (typeof serviceNames)[number]

/** What a service tells the process that started it, over the IPC channel. `drained` stands for exit status 0, where the process then ends by a signal. */
export type ServiceMessage =
  | { type: 'ready'; service: ServiceName; pid: number; admin: string; addresses: Record<string, string> }
  | { type: 'drained'; service: ServiceName }
  | { type: 'failed'; service: ServiceName; code: string; message: string; hint?: string }
