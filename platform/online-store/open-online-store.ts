import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { ServiceError } from '../../contracts/errors.ts'
import type { ScannableOnlineStore } from './online-store.ts'

/** The environment variables of whoever opens the online store; keys are the variables' names. */
export const onlineStoreConfigFields = {
  REDIS_URL: z
    .url({ protocol: /^rediss?$/, error: 'must be a redis:// or rediss:// URL' })
    .optional()
    .describe('The online store, instead of the embedded one: Redis 6.2 or newer, or Valkey.'),
  REDIS_USER: z.string().optional().describe('ACL user; goes before the one in the URL.'),
  REDIS_PASSWORD: z.string().optional().describe('Goes before the one in the URL.'),
  REDIS_CA_FILE: z.string().optional().describe('PEM file of the authority to trust for rediss://.'),
  REDIS_CLUSTER: z.stringbool().default(false).describe('REDIS_URL is a node of a Redis Cluster.'),
  REDIS_KEY_PREFIX: z
    .string()
    .regex(/^[\w.-]+$/, 'must consist of letters, digits, `_`, `.` and `-`')
    .default('hindsight')
    .describe('Before every key, so that several systems share a Redis.'),
} as const

const schema = z.object(onlineStoreConfigFields)
export type OnlineStoreConfig = z.output<typeof schema> & { HINDSIGHT_DATA_DIR: string }

export type OnlineStoreUse = {
  /** `writer` is the one materializer; a `guest` asks it for something through the store. */
  as: 'reader' | 'writer' | 'guest'
  /** Called by Redis only, with the first error since the connection was last there. */
  onFault?: (error: Error) => void
}

/** The time-outs of a command: a reader's caller is waiting for an answer, and a commit of the writer is large. */
const commandTimeoutMs = { reader: 500, writer: 5_000, guest: 5_000 }

/**
 * The online store that the environment asks for: Redis with REDIS_URL, else LMDB in the data directory.
 *
 * @example
 * ```ts
 * import { z } from 'zod'
 * import { loadConfig } from '../service/common-config.ts'
 * import { onlineStoreConfigFields, openOnlineStore } from './open-online-store.ts'
 *
 * const config = { ...loadConfig(z.object(onlineStoreConfigFields), {}), HINDSIGHT_DATA_DIR: 'data' }
 * const store = await openOnlineStore(config, { as: 'writer' })
 * await store.commit([{ partition: 0, values: new Map([['key', new Uint8Array([7])]]), applied: [] }])
 * const { values } = await store.read([{ partition: 0, key: 'key' }])
 * values[0]?.[0] // => 7
 * await store.close()
 * ```
 */
export async function openOnlineStore(config: OnlineStoreConfig, { as, onFault }: OnlineStoreUse): Promise<ScannableOnlineStore> {
  if (config.REDIS_URL === undefined) {
    const { openLmdbOnlineStore } = await import('./online-store-lmdb.ts').catch(explainMissing)
    return openLmdbOnlineStore({ dir: join(config.HINDSIGHT_DATA_DIR, 'online-store'), readOnly: as === 'reader' })
  }
  const { openRedisOnlineStore } = await import('./online-store-redis.ts')
  return await openRedisOnlineStore({
    ...(await toRedisConnection(config, config.REDIS_URL)),
    keyPrefix: config.REDIS_KEY_PREFIX,
    writer: as === 'writer',
    commandTimeoutMs: commandTimeoutMs[as],
    onFault,
  })
}

/** How to reach the Redis of the environment, for whatever is kept there. */
export async function toRedisConnection(config: Omit<OnlineStoreConfig, 'HINDSIGHT_DATA_DIR'>, url: string) {
  const { REDIS_USER: user, REDIS_PASSWORD: password, REDIS_CLUSTER: cluster } = config
  return { url, user, password, ca: await readCertificate(config.REDIS_CA_FILE), cluster }
}

/** `lmdb` is an optional dependency, which the container image leaves out. */
function explainMissing(cause: unknown): never {
  if (!(cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND')) throw cause
  throw new ServiceError('invalid_config', 'REDIS_URL: is not set, and the embedded online store (npm package lmdb) is not installed', {
    cause,
    hint: 'set REDIS_URL, or install the optional dependencies',
  })
}

async function readCertificate(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new ServiceError('invalid_config', 'REDIS_CA_FILE: the file cannot be read', { cause })
  }
}
