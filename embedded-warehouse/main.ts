import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { z } from 'zod'
import { commonConfigFields, loadConfig } from '../platform/service/common-config.ts'
import { pendingMigrations } from '../platform/schema/migrate.ts'
import { runService } from '../platform/service/run-service.ts'
import { startEmbeddedWarehouse } from './embedded-server-chdb.ts'
import { recommendedThreads } from './engine/engine-chdb.ts'
import { createWarehouseMetrics } from './metrics.ts'
import { ensurePassword } from '../platform/service/warehouse-password.ts'
import { createWarehouse } from '../platform/warehouse/warehouse-clickhouse.ts'
import type { Warehouse } from '../platform/warehouse/warehouse.ts'

const port = z.coerce.number().int().min(0).max(65_535)
const configSchema = z.object({
  HINDSIGHT_DATA_DIR: commonConfigFields.HINDSIGHT_DATA_DIR,
  HINDSIGHT_DRAIN_TIMEOUT_MS: commonConfigFields.HINDSIGHT_DRAIN_TIMEOUT_MS,
  HINDSIGHT_WAREHOUSE_PORT: port.default(18_123),
  HINDSIGHT_WAREHOUSE_READ_ONLY_PORT: port.default(18_124),
  HINDSIGHT_WAREHOUSE_READ_ONLY_PASSWORD: z.string().optional(),
  CLICKHOUSE_USER: commonConfigFields.CLICKHOUSE_USER,
  CLICKHOUSE_PASSWORD: commonConfigFields.CLICKHOUSE_PASSWORD,
})

/** libuv reads the size of its pool once, before any code of ours runs: without it this process starts itself again. */
function runWithThreads(): void {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    env: { ...process.env, UV_THREADPOOL_SIZE: String(recommendedThreads) },
    stdio: 'inherit',
  })
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  // The terminal sends Ctrl-C to the child as well, which drains: wait for it.
  process.on('SIGINT', () => undefined)
  child.once('exit', (code) => process.exit(code ?? 1))
}

async function isMigrated(self: Warehouse): Promise<boolean> {
  try {
    return (await pendingMigrations(self)).length === 0
  } finally {
    await self.close()
  }
}

async function runWarehouse(): Promise<void> {
  await runService({
    name: 'warehouse',
    config: (env) => loadConfig(configSchema, env),
    async start({ config, logger, meter }) {
      const credentials = {
        user: config.CLICKHOUSE_USER ?? 'default',
        password: config.CLICKHOUSE_PASSWORD ?? ensurePassword(config.HINDSIGHT_DATA_DIR),
      }
      const readOnlyPassword = config.HINDSIGHT_WAREHOUSE_READ_ONLY_PASSWORD
      const metrics = createWarehouseMetrics(meter)
      const warehouse = await startEmbeddedWarehouse({
        dir: join(config.HINDSIGHT_DATA_DIR, 'warehouse'),
        port: config.HINDSIGHT_WAREHOUSE_PORT,
        readOnlyPort: config.HINDSIGHT_WAREHOUSE_READ_ONLY_PORT,
        credentials,
        ...(readOnlyPassword !== undefined && { readOnlyCredentials: { user: credentials.user, password: readOnlyPassword } }),
        hasTables: (url) => isMigrated(createWarehouse({ url, ...credentials, readOnly: true, requestTimeoutMs: 10_000 })),
        onError(error, queryId) {
          metrics.onFault()
          logger.error({ err: error, query_id: queryId }, 'request failed')
        },
        onLostWrite: () => logger.fatal('a write to the disk failed: the process ends and starts again from what is on the disk'),
      })
      return {
        addresses: { http: warehouse.url, http_read_only: warehouse.readOnlyUrl },
        checks: async () => ({ engine: warehouse.healthy() }),
        status: async () => ({ engine_version: warehouse.version, running_queries: warehouse.running() }),
        drain: () => warehouse.stop(config.HINDSIGHT_DRAIN_TIMEOUT_MS / 2),
      }
    },
  })
}

if (Number(process.env['UV_THREADPOOL_SIZE'] ?? 0) < recommendedThreads && process.connected !== true) runWithThreads()
else await runWarehouse()
