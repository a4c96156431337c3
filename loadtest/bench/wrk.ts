import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Latencies as the closed loop saw them, in milliseconds. */
export type ClosedLoopResult = { requestsPerSecond: number; p50Ms: number; p99Ms: number; failed: number }

const script = fileURLToPath(new URL('../logger/predict.lua', import.meta.url))

/**
 * Runs a closed loop: clients that each wait for one answer before they ask again. With `keyPrefix` each request has an
 * `Idempotency-Key` of its own that begins so.
 */
export async function runWrk(options: {
  url: string
  seconds: number
  clients: number
  bodiesFile: string
  keyPrefix?: string | undefined
}): Promise<ClosedLoopResult> {
  const args = ['--latency', '-t', '1', '-c', String(options.clients), '-d', `${options.seconds}s`, '-s', script, options.url]
  const keys = options.keyPrefix === undefined ? {} : { WRK_KEYS: options.keyPrefix }
  const { stdout } = await promisify(execFile)('wrk', args, { env: { ...process.env, WRK_BODIES: options.bodiesFile, ...keys } })
  return parseWrk(stdout, options.seconds)
}

/** Answers with another status than 2xx or 3xx have failed, and do not count into the rate. */
export function parseWrk(stdout: string, seconds: number): ClosedLoopResult {
  const failed = Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0)
  const answered = Number(/(\d+) requests in/.exec(stdout)?.[1] ?? Number.NaN)
  return {
    requestsPerSecond: (answered - failed) / seconds,
    p50Ms: milliseconds(/^\s+50%\s+(\S+)/m.exec(stdout)?.[1]),
    p99Ms: milliseconds(/^\s+99%\s+(\S+)/m.exec(stdout)?.[1]),
    failed,
  }
}

const unitMs: Record<string, number> = { us: 1 / 1000, ms: 1, s: 1000, m: 60_000 }

function milliseconds(text: string | undefined): number {
  const [, value, unit = ''] = /^([\d.]+)(us|ms|s|m)$/.exec(text ?? '') ?? []
  return Number(value) * (unitMs[unit] ?? Number.NaN)
}
