import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startFilledGateway } from '../logger/gateway-rate.ts'
import { startService, type ServiceProcess } from '../logger/service-process.ts'

/** A server under measurement, and what it is asked. */
export type Variant = { title: string; path: string; start(place: Place): Promise<ServiceProcess> }
/** `dir` is the variant's own; Redis and warehouse are common to all. */
export type Place = { dir: string; redisUrl: string; clickhouseUrl: string; nodeArgs: readonly string[] }

const models = fileURLToPath(new URL('../../models', import.meta.url))
const withoutLog = fileURLToPath(new URL('./without-log.js', import.meta.url))
const predict = '/v1/models/flight-delay/predict'

export const variants = {
  'node-echo': { title: '(a) bare node:http JSON echo', path: predict, start: echo('node') },
  'committed-echo': { title: '(b) the same, one fdatasync group commit per answer', path: predict, start: echo('committed') },
  'hono-echo': { title: '(c) bare Hono JSON echo', path: predict, start: echo('hono') },
  durable: { title: '(d) Hindsight: Redis features, durable logging', path: predict, start: gateway('disk') },
  'in-process': { title: '(e) Hindsight, durability: process', path: predict, start: gateway('process') },
  unlogged: { title: '(f) Hindsight, logging taken out', path: predict, start: gateway('disk', ['--import', withoutLog]) },
  shadowed: { title: '(g) Hindsight, a shadow on every request', path: predict, start: gateway('disk', [], { shadows: true }) },
} as const satisfies Record<string, Variant>

export type VariantName = keyof typeof variants

function echo(name: string) {
  return ({ dir, nodeArgs }: Place) => startService(`loadtest/bench/echo-${name}.ts`, { BENCH_DIR: dir }, nodeArgs)
}

/** The example project, its champion alone unless `shadows`, its windows filled by the features service, its event log read by nobody. */
function gateway(durability: 'disk' | 'process', extraArgs: readonly string[] = [], { shadows = false } = {}) {
  return ({ dir, redisUrl, clickhouseUrl, nodeArgs }: Place) =>
    startFilledGateway(
      {
        HINDSIGHT_DATA_DIR: join(dir, 'data'),
        HINDSIGHT_PROJECT_DIR: writeBenchProject(dir, { durability, shadows }),
        REDIS_URL: redisUrl,
        CLICKHOUSE_URL: clickhouseUrl,
      },
      [...nodeArgs, ...extraArgs],
    )
}

function writeBenchProject(dir: string, { durability, shadows }: { durability: string; shadows: boolean }): string {
  const project = join(dir, 'project')
  mkdirSync(project, { recursive: true })
  cpSync(models, project, { recursive: true, filter: (path) => !['demo', 'train'].includes(basename(path)) })
  edit(join(project, 'flight-delay/model.yaml'), (text) => `${text}durability: ${durability}\n`)
  if (!shadows) edit(join(project, 'flight-delay/deployment.yaml'), (text) => text.replace(/^shadows: .*$/m, 'shadows: []'))
  return project
}

function edit(file: string, change: (text: string) => string): void {
  const text = readFileSync(file, 'utf8')
  const changed = change(text)
  if (changed === text) throw new Error(`${file} is not as expected`)
  writeFileSync(file, changed)
}
