import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { ServiceError } from '../../contracts/errors.ts'
import { isAlive } from './process-identity.ts'
import { readPassword } from './warehouse-password.ts'
import type { ServiceName } from './service.ts'
import { writeFileAtomically } from './durable-files.ts'

const runFile = z.looseObject({
  service: z.string(),
  instance: z.string().optional(),
  pid: z.int().positive(),
  born: z.string().optional(),
  admin: z.string(),
  addresses: z.record(z.string(), z.string()),
  started_at: z.string(),
})

/**
 * What a running service left in `<data>/run/<service>.json` for commands to find it; where several of a kind share a data
 * directory, each in `<service>.<instance>.json`.
 */
export type RunFile = z.infer<typeof runFile>

/** The run file of a service whose process is alive, the first by name where there are several; undefined when none runs. */
export function readRunFile(dataDir: string, service: ServiceName): RunFile | undefined {
  return readRunFiles(dataDir, service)[0]
}

/** The run files of every instance of a service whose process is alive, by name. */
export function readRunFiles(dataDir: string, service: ServiceName): RunFile[] {
  const names = listIfPresent(join(dataDir, 'run')).filter((name) => name.startsWith(`${service}.`) && name.endsWith('.json'))
  return names.toSorted().flatMap((name) => {
    const text = readIfPresent(join(dataDir, 'run', name))
    if (text === undefined) return []
    const parsed = runFile.parse(JSON.parse(text))
    return isAlive(parsed) ? [parsed] : []
  })
}

/** Writes the run file whole or not at all. */
export async function writeRunFile(dataDir: string, content: RunFile & { service: ServiceName }): Promise<void> {
  await mkdir(join(dataDir, 'run'), { recursive: true })
  await writeFileAtomically(runFilePath(dataDir, content), `${JSON.stringify(content, null, 2)}\n`)
}

export async function removeRunFile(dataDir: string, instance: ServiceInstance): Promise<void> {
  await rm(runFilePath(dataDir, instance), { force: true })
}

export type Connection = {
  gatewayUrl: string
  /** The gateway's admin listener. */
  gatewayAdminUrl: string
  clickhouseUrl: string
  clickhouseUser?: string
  /** The password of the environment, else that in the data directory where ClickHouse is the embedded warehouse. */
  clickhousePassword: string | undefined
  readOnlyClickhousePassword: string | undefined
  /** The analysts' port: the embedded warehouse's read-only one, or ClickHouse itself. */
  readOnlyClickhouseUrl: string
}

/**
 * Tells where a command reaches the system: the environment first, then the run files of the services that run on this data
 * directory. Each field throws `not_ready` with a hint only when it is used and neither knows it.
 */
export function connectionFromRunFiles(dataDir: string, env: NodeJS.ProcessEnv = process.env): Connection {
  const fromEnv = (name: string) => env[name] || undefined
  const user = fromEnv('CLICKHOUSE_USER')
  const isOurs = fromEnv('CLICKHOUSE_URL') === undefined
  return {
    get gatewayUrl() {
      return fromEnv('HINDSIGHT_URL') ?? addressOf(dataDir, 'gateway', 'http', 'HINDSIGHT_URL')
    },
    get gatewayAdminUrl() {
      return fromEnv('HINDSIGHT_ADMIN_URL') ?? addressOf(dataDir, 'gateway', 'admin', 'HINDSIGHT_ADMIN_URL')
    },
    get clickhouseUrl() {
      return fromEnv('CLICKHOUSE_URL') ?? addressOf(dataDir, 'warehouse', 'http', 'CLICKHOUSE_URL')
    },
    get readOnlyClickhouseUrl() {
      return fromEnv('CLICKHOUSE_URL') ?? addressOf(dataDir, 'warehouse', 'http_read_only', 'CLICKHOUSE_URL')
    },
    ...(user !== undefined && { clickhouseUser: user }),
    // The password is for the embedded warehouse only: another server is not told it.
    get clickhousePassword() {
      return fromEnv('CLICKHOUSE_PASSWORD') ?? (isOurs ? readPassword(dataDir) : undefined)
    },
    get readOnlyClickhousePassword() {
      return isOurs ? fromEnv('HINDSIGHT_WAREHOUSE_READ_ONLY_PASSWORD') : fromEnv('CLICKHOUSE_PASSWORD')
    },
  }
}

function addressOf(dataDir: string, service: ServiceName, address: string, variable: string): string {
  const file = readRunFile(dataDir, service)
  const found = address === 'admin' ? file?.admin : file?.addresses[address]
  if (found !== undefined) return found
  throw new ServiceError('not_ready', `no ${service} is running on the data directory ${dataDir}`, {
    hint: `start it with \`npx hindsight up\`, or set ${variable}`,
  })
}

type ServiceInstance = { service: ServiceName; instance?: string | undefined }

function runFilePath(dataDir: string, { service, instance }: ServiceInstance): string {
  return join(dataDir, 'run', instance === undefined ? `${service}.json` : `${service}.${instance}.json`)
}

function listIfPresent(dir: string): string[] {
  try {
    return readdirSync(dir)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
