import { z } from 'zod'
import { commonConfigFields, loadConfig } from '../platform/service/common-config.ts'

const { HINDSIGHT_PROJECT_DIR, CLICKHOUSE_URL, CLICKHOUSE_USER, CLICKHOUSE_PASSWORD } = commonConfigFields

const schema = z.object({
  HINDSIGHT_PROJECT_DIR,
  CLICKHOUSE_URL: CLICKHOUSE_URL.unwrap(),
  CLICKHOUSE_USER,
  CLICKHOUSE_PASSWORD,
  HINDSIGHT_EVALUATION_INTERVAL_MS: z.coerce
    .number()
    .int()
    .min(1000)
    .default(300_000)
    .describe('How often each model is evaluated; an evaluation that differs from the last is saved.'),
  HINDSIGHT_PROJECT_POLL_MS: z.coerce
    .number()
    .int()
    .min(100)
    .default(5000)
    .describe('How often the project folder is looked at for changed definitions.'),
})

export type LabelerConfig = z.output<typeof schema>

/** Throws `invalid_config` listing every error. */
export function loadLabelerConfig(env: NodeJS.ProcessEnv): LabelerConfig {
  return loadConfig(schema, env)
}
