import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { startFilledGateway } from '../logger/gateway-rate.ts'
import { type Runtime, startService, type ServiceProcess } from '../logger/service-process.ts'

/** A server under measurement, whether it keeps an event of each prediction, and whether each request has an `Idempotency-Key` of its own. */
export type Variant = { title: string; logs: boolean; keyed?: boolean; start(place: ServerPlace): Promise<ServiceProcess> }
/** Where a server runs: `dir` is its own; Redis and warehouse are common to all that have the same code. */
export type ServerPlace = { dir: string; redisUrl: string; clickhouseUrl: string; runtime: Runtime; nodeArgs: readonly string[] }

const withoutLog = 'loadtest/bench/without-log.js'

export const variants = {
  'node-echo': { title: '(a) bare node:http JSON echo', logs: false, start: echo('node') },
  'committed-echo': {
    title: '(b) the same, one fdatasync group commit per answer',
    logs: false,
    start: echo('committed'),
  },
  'hono-echo': { title: '(c) bare Hono JSON echo', logs: false, start: echo('hono') },
  durable: { title: '(d) Hindsight: Redis features, durable logging', logs: true, start: gateway('disk') },
  'in-process': { title: '(e) Hindsight, durability: process', logs: true, start: gateway('process') },
  unlogged: { title: '(f) Hindsight, logging taken out', logs: false, start: gateway('disk', { preload: withoutLog }) },
  shadowed: { title: '(g) Hindsight, a shadow on every request', logs: true, start: gateway('disk', { shadows: true }) },
  keyed: { title: '(h) Hindsight, an Idempotency-Key on every request', logs: true, keyed: true, start: gateway('disk') },
} as const satisfies Record<string, Variant>

export type VariantName = keyof typeof variants

function echo(name: string) {
  return ({ dir, runtime, nodeArgs }: ServerPlace) =>
    startService(`loadtest/bench/echo-${name}.ts`, { BENCH_DIR: dir }, { runtime, nodeArgs })
}

type GatewayOptions = { shadows?: boolean; preload?: string }

/** The example project, its champion alone unless `shadows`, its windows filled by the features service, its event log read by nobody. */
function gateway(durability: 'disk' | 'process', { shadows = false, preload }: GatewayOptions = {}) {
  return ({ dir, redisUrl, clickhouseUrl, runtime, nodeArgs }: ServerPlace) => {
    const project = join(dir, 'project')
    writeBenchProject({ from: join(runtime.root, 'models'), to: project, durability, shadows })
    const env = {
      HINDSIGHT_DATA_DIR: join(dir, 'data'),
      HINDSIGHT_PROJECT_DIR: project,
      REDIS_URL: redisUrl,
      CLICKHOUSE_URL: clickhouseUrl,
    }
    const preloadArgs = preload === undefined ? [] : ['--import', join(runtime.root, preload)]
    return startFilledGateway(env, { runtime, nodeArgs: [...nodeArgs, ...preloadArgs] })
  }
}

function writeBenchProject(options: { from: string; to: string; durability: string; shadows: boolean }): void {
  const { from, to, durability, shadows } = options
  cpSync(from, to, { recursive: true, filter: (path) => !['demo', 'train'].includes(basename(path)) })
  edit(join(to, 'flight-delay/model.yaml'), (text) => `${text}durability: ${durability}\n`)
  if (!shadows) edit(join(to, 'flight-delay/deployment.yaml'), (text) => text.replace(/^shadows: .*$/m, 'shadows: []'))
}

function edit(file: string, change: (text: string) => string): void {
  const text = readFileSync(file, 'utf8')
  const edited = change(text)
  if (edited === text) throw new Error(`${file} is not as expected`)
  writeFileSync(file, edited)
}
