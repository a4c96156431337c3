import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { contractPackages, importRules } from './testing/import-rules.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const folders = Object.keys(importRules).filter((folder) => !folder.includes('/'))
/** Programs that put parts together in ways of their own, and measure or attack vendors' software itself. */
const besideTheProduct = ['models', 'test', 'loadtest']

/**
 * The floors of each folder, from the lowest: a file imports from its own and from lower ones. A file stands on the floor of
 * the longest name that it begins with; `.` is what stands in the folder itself.
 */
const floors: Record<string, readonly string[]> = {
  platform: [
    'text',
    'time',
    'json',
    'compression',
    'typescript',
    'project',
    'service',
    'files',
    'warehouse',
    'command',
    'schema',
    'event-log/event-log.ts',
    'schema/rows',
    'outbox/format',
    'outbox/read',
    'outbox/write',
    'outbox',
    'nats',
    'event-log',
    'online-store',
  ],
  gateway: [
    'tensors',
    'bounds',
    'inference',
    'metrics',
    'http',
    'access',
    'fates',
    'predict',
    'lookup',
    'idempotency',
    'ingest',
    'label-stream',
    'deploy',
    'status',
    'routes',
    'v2',
    'api-docs',
    'admin',
    'config.ts',
    'workers',
    '.',
  ],
  features: ['engine', 'derived', 'assembly', 'offline', 'materializer', '.'],
  logger: ['command-options.ts', 'pipeline', 'reconcile', 'rejects', '.'],
  labeler: ['metrics', 'outcomes', 'compare', 'policy', 'quality', 'definitions', 'evaluate', 'import', 'evaluate-file', '.'],
  'embedded-warehouse': ['engine/engine-error.ts', 'sql', 'engine', 'http', 'guard', '.'],
}

/** Packages of a vendor, and the name that a file importing them must carry. */
const vendors: Record<string, string> = {
  '@clickhouse/client': 'clickhouse',
  chdb: 'chdb',
  lmdb: 'lmdb',
  'onnxruntime-node': 'onnxruntime',
  ioredis: 'redis',
  '@nats-io/': 'nats',
  pino: 'pino',
  '@opentelemetry/sdk-': 'opentelemetry',
  '@opentelemetry/exporter-': 'opentelemetry',
  '@opentelemetry/resources': 'opentelemetry',
}

describe('layers', () => {
  test('every import respects them', () => {
    const files = folders.flatMap((folder) => listSources(join(root, folder)))
    expect(files.length).toBeGreaterThan(50)
    expect(files.flatMap((file) => violations(relative(root, file), readFileSync(file, 'utf8')))).toEqual([])
  })

  test.each([
    ['gateway/app.ts', "import { x } from '../logger/pipeline/pipeline.ts'", 'gateway must not import logger/pipeline/pipeline.ts'],
    ['labeler/app.ts', "import type { X } from '../features/materializer/x.ts'", 'labeler must not import features/materializer/x.ts'],
    ['logger/app.ts', "import { x } from '../features/engine/x.ts'", 'logger must not import features/engine/x.ts'],
    ['platform/service/x.ts', "export { x } from '../../gateway/x.ts'", 'platform must not import gateway/x.ts'],
    ['contracts/x.ts', "import { Hono } from 'hono'", 'contracts must not import hono'],
    ['contracts/x.ts', "import { x } from '../platform/x.ts'", 'contracts must not import platform/x.ts'],
    [
      'logger/write.ts',
      "const { createClient } = await import('@clickhouse/client')",
      '@clickhouse/client belongs in a file named *clickhouse*',
    ],
    ['features/main.ts', "import { open } from 'lmdb'", 'lmdb belongs in a file named *lmdb*'],
    ['gateway/main.ts', "import { up } from '../bin/up-command.ts'", 'gateway must not import bin/up-command.ts'],
    ['forwarder/main.ts', "import { x } from '../logger/x.ts'", 'forwarder must not import logger/x.ts'],
    ['platform/nats/x.ts', "import type { X } from '../../forwarder/x.ts'", 'platform must not import forwarder/x.ts'],
    ['models/flight-delay/x.ts', "import { x } from '../../gateway/x.ts'", 'models must not import gateway/x.ts'],
    ['bin/x.ts', "import { x } from '../test/x.ts'", 'bin must not import test/x.ts'],
    ['test/x.ts', "import { x } from '../loadtest/x.ts'", 'test must not import loadtest/x.ts'],
    ['features/engine/x.ts', "import { x } from '../derived/x.ts'", 'features/engine must not import features/derived/x.ts'],
    ['gateway/http/cors.ts', "import { x } from '../v2/sent-body.ts'", 'gateway/http is below gateway/v2, of gateway/v2/sent-body.ts'],
    ['gateway/routes/x.ts', "import type { X } from '../start.ts'", 'gateway/routes is below gateway, of gateway/start.ts'],
    [
      'platform/outbox/read/x.ts',
      "import { x } from '../../event-log/open-event-log.ts'",
      'platform/outbox/read is below platform/event-log, of platform/event-log/open-event-log.ts',
    ],
    ['gateway/attic/x.ts', "import { x } from '../http/x.ts'", 'gateway/attic/x.ts has no floor'],
  ])('%s: %s is refused', (file, source, message) => {
    expect(violations(file, source)).toEqual([`${file}: ${message}`])
  })

  test.each([
    ['gateway/app.ts', "import { x } from '../features/engine/x.ts'"],
    ['gateway/app.ts', "import type { Logger } from 'pino'"],
    ['gateway/deploy/x.ts', "import { x } from '../predict/y.ts'"],
    ['logger/write-clickhouse.ts', "import { createClient } from '@clickhouse/client'"],
    ['contracts/x.ts', "import { createHash } from 'node:crypto'"],
    ['platform/outbox/read/x.ts', "import type { X } from '../../event-log/event-log.ts'"],
    ['gateway/workers/x.ts', "import type { X } from '../config.ts'"],
  ])('%s: %s is allowed', (file, source) => {
    expect(violations(file, source)).toEqual([])
  })
})

function violations(file: string, source: string): string[] {
  const ruled = Object.keys(importRules).filter((folder) => file.startsWith(`${folder}/`))
  const folder = ruled.toSorted((a, b) => b.length - a.length)[0] ?? ''
  const problems = importsOf(source).flatMap(({ specifier, typeOnly }) => {
    const target = specifier.startsWith('.') ? relative(root, resolve(root, dirname(file), specifier)) : specifier
    const vendor = typeOnly ? undefined : vendorProblem(file, specifier)
    return [mayImport(folder, target) ? floorProblem(topOf(file), file, target) : `${folder} must not import ${target}`, vendor]
  })
  return problems.filter((problem) => problem !== undefined).map((problem) => `${file}: ${problem}`)
}

function mayImport(folder: string, target: string): boolean {
  const allowed = [folder, ...(importRules[folder] ?? [])]
  if (folders.includes(topOf(target))) return allowed.some((other) => target.startsWith(`${other}/`))
  return folder !== 'contracts' || contractPackages.includes(target) || target.startsWith('node:')
}

function topOf(path: string): string {
  return path.split('/', 1)[0] ?? ''
}

/** An import that goes up within a folder. */
function floorProblem(folder: string, file: string, target: string): string | undefined {
  const order = floors[folder]
  if (order === undefined || !target.startsWith(`${folder}/`)) return undefined
  const [from, to] = [floorOf(folder, file), floorOf(folder, target)]
  if (from === undefined || to === undefined) return `${from === undefined ? file : target} has no floor`
  if (order.indexOf(to) <= order.indexOf(from)) return undefined
  return `${join(folder, from)} is below ${join(folder, to)}, of ${target}`
}

function floorOf(folder: string, file: string): string | undefined {
  const within = relative(folder, file)
  if (!within.includes('/') && !floors[folder]?.includes(within)) return '.'
  return floors[folder]?.filter((floor) => within === floor || within.startsWith(`${floor}/`)).toSorted((a, b) => b.length - a.length)[0]
}

function vendorProblem(file: string, specifier: string): string | undefined {
  const found = Object.entries(vendors).find(
    ([name]) => specifier === name || (/[/-]$/.test(name) ? specifier.startsWith(name) : specifier.startsWith(`${name}/`)),
  )
  if (found === undefined || basename(file).includes(found[1]) || besideTheProduct.includes(topOf(file))) return undefined
  return `${found[0]} belongs in a file named *${found[1]}*`
}

/** Static, dynamic and re-exporting imports. */
function importsOf(source: string): { specifier: string; typeOnly: boolean }[] {
  const statements = source.matchAll(/^\s*(?:import|export)\s+(type\s)?(?:[^'"`;]*?\sfrom\s+)?'([^']+)'/gm)
  const dynamic = source.matchAll(/\bimport\('([^']+)'\)/g)
  return [
    ...[...statements].map(([, type, specifier = '']) => ({ specifier, typeOnly: type !== undefined })),
    ...[...dynamic].map(([, specifier = '']) => ({ specifier, typeOnly: false })),
  ]
}

function listSources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|js)$/.test(name) && !/\.(test|contract|d)\.ts$/.test(name) && !/(^|\/)testing\//.test(name))
    .map((name) => join(folder, name))
}
