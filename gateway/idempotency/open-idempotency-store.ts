import { join } from 'node:path'
import { type OnlineStoreConfig, toRedisConnection } from '../../platform/online-store/open-online-store.ts'
import type { IdempotencyStore } from './idempotency-store.ts'

export type IdempotencyConfig = OnlineStoreConfig & { HINDSIGHT_IDEMPOTENCY_WINDOW_MS: number }

/** A request waits for it, twice before its events are written. */
const commandTimeoutMs = 500

/** Opens the store that the environment keeps keys in: Redis with REDIS_URL, else the data directory, for all gateways on it. */
export async function openIdempotencyStore(config: IdempotencyConfig, onFault: (error: Error) => void): Promise<IdempotencyStore> {
  const windowMs = config.HINDSIGHT_IDEMPOTENCY_WINDOW_MS
  if (config.REDIS_URL === undefined) {
    const { openLmdbIdempotencyStore } = await import('./idempotency-store-lmdb.ts')
    return openLmdbIdempotencyStore({ dir: join(config.HINDSIGHT_DATA_DIR, 'idempotency'), windowMs, now: Date.now })
  }
  const { openRedisIdempotencyStore } = await import('./idempotency-store-redis.ts')
  const connection = await toRedisConnection(config, config.REDIS_URL)
  return openRedisIdempotencyStore({ ...connection, keyPrefix: config.REDIS_KEY_PREFIX, windowMs, commandTimeoutMs, onFault })
}
