import { z } from 'zod'
import { onlineStoreConfigFields } from '../platform/online-store/open-online-store.ts'
import { checkNatsConfig, natsConfigFields } from '../platform/nats/nats-config.ts'
import { commonConfigFields, loadConfig } from '../platform/service/common-config.ts'

const minutes = (value: number) => z.coerce.number().positive().default(value)

const featuresConfig = z.object({
  HINDSIGHT_PROJECT_DIR: commonConfigFields.HINDSIGHT_PROJECT_DIR,
  HINDSIGHT_DATA_DIR: commonConfigFields.HINDSIGHT_DATA_DIR,
  CLICKHOUSE_URL: z.url({ protocol: /^https?$/, error: 'must be the http(s) URL of ClickHouse' }),
  CLICKHOUSE_USER: commonConfigFields.CLICKHOUSE_USER,
  CLICKHOUSE_PASSWORD: commonConfigFields.CLICKHOUSE_PASSWORD,
  ...onlineStoreConfigFields,
  ...natsConfigFields,
  HINDSIGHT_FEATURES_MAX_RECORDS: z.coerce.number().int().min(1).max(50_000).default(5_000).describe('Records in one commit.'),
  HINDSIGHT_FEATURES_FOLD_AFTER_MINUTES: minutes(60).describe(
    'Facts older than this since ingestion may be folded; anchors before them are refused.',
  ),
  HINDSIGHT_FEATURES_FOLD_MIN_ROWS: z.coerce.number().int().positive().default(64).describe('Facts a tile must have to fold any.'),
  HINDSIGHT_FEATURES_MAX_ROWS: z.coerce
    .number()
    .int()
    .min(16)
    .default(4_096)
    .describe('Facts kept apart per entity and page; above, the oldest are folded.'),
  HINDSIGHT_FEATURES_EXPIRE_GRACE_MINUTES: minutes(24 * 60).describe('How long a tile stays after its last window has passed.'),
  HINDSIGHT_FEATURES_GAP_PATIENCE_MS: z.coerce
    .number()
    .int()
    .positive()
    .default(60_000)
    .describe('How long to wait for records that the log skipped once the warehouse has the ones behind them.'),
})
export type FeaturesConfig = z.output<typeof featuresConfig>

/** Throws `invalid_config` with every error. */
export function loadFeaturesConfig(env: NodeJS.ProcessEnv): FeaturesConfig {
  const config = loadConfig(featuresConfig, env)
  checkNatsConfig(config)
  return config
}
