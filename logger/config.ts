import { z } from 'zod'
import { checkNatsConfig, natsConfigFields } from '../platform/nats/nats-config.ts'
import { commonConfigFields, loadConfig } from '../platform/service/common-config.ts'

const loggerConfig = z.object({
  HINDSIGHT_DATA_DIR: commonConfigFields.HINDSIGHT_DATA_DIR,
  CLICKHOUSE_URL: z.url({ protocol: /^https?$/, error: 'must be the http(s) URL of ClickHouse' }),
  CLICKHOUSE_USER: commonConfigFields.CLICKHOUSE_USER,
  CLICKHOUSE_PASSWORD: commonConfigFields.CLICKHOUSE_PASSWORD,
  ...natsConfigFields,
  HINDSIGHT_LOGGER_MAX_ROWS: z.coerce.number().int().min(1).max(100_000).default(10_000).describe('Records in one batch.'),
  HINDSIGHT_LOGGER_MAX_BYTES: z.coerce
    .number()
    .int()
    .min(1024 * 1024)
    .max(256 * 1024 * 1024)
    .default(32 * 1024 * 1024)
    .describe('Payload bytes in one batch; two batches are in memory at most.'),
  HINDSIGHT_LOGGER_MAX_WAIT_MS: z.coerce
    .number()
    .int()
    .min(10)
    .max(60_000)
    .default(1_000)
    .describe('Longest a record waits to share an insert. Much below a second, ClickHouse gets more parts than it merges well.'),
})
export type LoggerConfig = z.output<typeof loggerConfig>

/** Throws `invalid_config` with every error. */
export function loadLoggerConfig(env: NodeJS.ProcessEnv): LoggerConfig {
  const config = loadConfig(loggerConfig, env)
  checkNatsConfig(config)
  return config
}
