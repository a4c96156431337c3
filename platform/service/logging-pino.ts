import { type DestinationStream, type Level, type Logger, destination, multistream, pino, stdTimeFunctions } from 'pino'

/** A log line worth showing in `hindsight status`. */
export type RecentError = { at: string; level: 'warn' | 'error' | 'fatal'; message: string }

export type ServiceLogger = {
  logger: Logger
  /** The newest errors and warnings of this process, oldest first, at most 10. */
  recentErrors(): RecentError[]
}

const keptErrors = 10

/** Field names that would carry what the log must not hold: ids yes, values no. */
const redacted = ['features', 'values', 'outputs', 'inputs', 'payload', 'body', 'item', 'authorization', 'api_key', 'password']

/**
 * JSON lines on standard error, one object each: `time` (RFC 3339 UTC), `level`, `service`, `msg`, ids. Written
 * synchronously, so that the last line before a crash is there.
 *
 * @example
 * ```ts
 * import { createServiceLogger } from './logging-pino.ts'
 *
 * const lines: string[] = []
 * const to = { write: (line: string) => void lines.push(line) }
 * const { logger, recentErrors } = createServiceLogger({ service: 'logger', level: 'info', to })
 * logger.warn({ prediction_id: 'p-1', payload: '{"secret":1}' }, 'a record was refused')
 * JSON.parse(lines[0] ?? '').payload // => '***'
 * recentErrors()[0]?.message // => 'a record was refused'
 * ```
 */
export function createServiceLogger(options: { service: string; level: Level; to?: DestinationStream }): ServiceLogger {
  const recent: RecentError[] = []
  const streams = [
    { level: 'trace' as const, stream: options.to ?? destination({ dest: 2, sync: true }) },
    { level: 'warn' as const, stream: { write: (line: string) => remember(recent, line) } },
  ]
  const logger = pino(
    {
      level: options.level,
      base: { service: options.service, pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: redacted.flatMap((name) => [name, `*.${name}`]), censor: '***' },
    },
    multistream(streams),
  )
  return { logger, recentErrors: () => [...recent] }
}

function remember(recent: RecentError[], line: string): void {
  const entry = JSON.parse(line) as { time: string; level: RecentError['level']; msg?: string; err?: { message?: string } }
  recent.push({ at: entry.time, level: entry.level, message: [entry.msg, entry.err?.message].filter(Boolean).join(': ') })
  if (recent.length > keptErrors) recent.shift()
}
