import { z } from 'zod'
import { ServiceError } from '../contracts/errors.ts'
import { opaqueId } from '../contracts/primitives.ts'
import { defaultLaneBounds } from '../platform/outbox/write/outbox-writer.ts'
import { onlineStoreConfigFields } from '../platform/online-store/open-online-store.ts'
import { checkNatsConfig, natsConfigFields } from '../platform/nats/nats-config.ts'
import { parseSubjectPattern } from './label-stream/subject-pattern.ts'
import { commonConfigFields, loadConfig } from '../platform/service/common-config.ts'
import { availableParallelism } from 'node:os'

const { HINDSIGHT_PROJECT_DIR, HINDSIGHT_DATA_DIR, HINDSIGHT_HOST, HINDSIGHT_PORT, HINDSIGHT_API_KEY } = commonConfigFields
const { HINDSIGHT_ADMIN_HOST } = commonConfigFields
const { CLICKHOUSE_URL, CLICKHOUSE_USER, CLICKHOUSE_PASSWORD, HINDSIGHT_DRAIN_TIMEOUT_MS } = commonConfigFields

const origin = z
  .string()
  .refine((text) => URL.canParse(text) && new URL(text).origin === text, 'must be origins, as https://app.example.com')

/** The default number of inference threads: one per core, at least one beside a slow model's, and at most 8, because each has every session in memory. */
export const defaultThreads = Math.min(8, Math.max(2, availableParallelism()))

const schema = z.object({
  ...natsConfigFields,
  HINDSIGHT_PROJECT_DIR,
  HINDSIGHT_DATA_DIR,
  HINDSIGHT_HOST,
  HINDSIGHT_PORT,
  HINDSIGHT_API_KEY,
  HINDSIGHT_KEYS_FILE: z.string().optional().describe('The file of API keys; by default keys.json in the data directory.'),
  HINDSIGHT_ADMIN_HOST,
  HINDSIGHT_CORS_ORIGINS: z
    .string()
    .default('')
    .transform((list) => list.split(',').map((origin) => origin.trim()))
    .transform((origins) => origins.filter((origin) => origin !== ''))
    .pipe(z.array(origin))
    .describe('Origins whose pages may call the API from a browser, as https://app.example.com, separated by commas; by default none.'),
  CLICKHOUSE_URL: CLICKHOUSE_URL.unwrap(),
  CLICKHOUSE_USER,
  CLICKHOUSE_PASSWORD,
  ...onlineStoreConfigFields,
  HINDSIGHT_WRITER_ID: opaqueId.default('gateway-0').describe("Name of this gateway's outbox; it stays with the data directory."),
  GATEWAY_WORKERS: z.coerce
    .number()
    .int()
    .min(1)
    .max(64)
    .default(1)
    .describe('Gateway processes on the one port, each with an outbox of its own; limits and bounds are those of each.'),
  HINDSIGHT_CODE_VERSION: z
    .string()
    .max(128)
    .optional()
    .describe('Recorded in every event; by default the package version and git commit.'),
  HINDSIGHT_OUTBOX_MAX_BYTES: z.coerce
    .number()
    .int()
    .min(16 * 1024 ** 2)
    .default(defaultLaneBounds.maxLaneBytes)
    .describe('What one lane of the outbox may hold on disk before it is answered 503.'),
  HINDSIGHT_OUTBOX_MAX_AGE_MS: z.coerce
    .number()
    .int()
    .positive()
    .default(defaultLaneBounds.maxLaneAgeMs)
    .describe('How long a record of a lane may wait for its consumers before the lane is answered 503.'),
  HINDSIGHT_DRAIN_TIMEOUT_MS,
  HINDSIGHT_DRAIN_DELAY_MS: z.coerce
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('How long a gateway that is to stop says so at /readyz and goes on answering, for load balancers to notice.'),
  HINDSIGHT_INFERENCE_THREADS: z.coerce
    .number()
    .int()
    .min(1)
    .max(64)
    .default(defaultThreads)
    .describe('Worker threads that run models, each with every version in memory; by default the cores, from 2 to 8.'),
  HINDSIGHT_MAX_QUEUED_ROWS: z.coerce
    .number()
    .int()
    .positive()
    .default(16_384)
    .describe('Rows that may wait for models, all together, before a request is answered 503.'),
  HINDSIGHT_IDEMPOTENCY_WINDOW_MS: z.coerce
    .number()
    .int()
    .min(1_000)
    .default(24 * 3_600_000)
    .describe(
      'How long a request with the same Idempotency-Key gets the same answer; each key takes about a kilobyte of the store meanwhile.',
    ),
  HINDSIGHT_LABEL_STREAM: z
    .string()
    .regex(/^[^\s.*>/\\]+$/, 'must be the name of a stream')
    .optional()
    .describe('A JetStream stream of NATS_URL that labels are consumed from, beside those over HTTP.'),
  HINDSIGHT_LABEL_SUBJECT: z
    .string()
    .default('labels.{tenant}.>')
    .describe('The subjects of that stream that are labels; the token {tenant} is where the tenant stands.'),
  HINDSIGHT_LABEL_CONSUMER: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must consist of letters, digits, `_` and `-`')
    .default('hindsight_labels')
    .describe('The durable consumer on that stream, which all gateways share.'),
  HINDSIGHT_MAX_IN_FLIGHT: z.coerce.number().int().positive().default(1024).describe('Requests under way before one more is answered 503.'),
})

export type GatewayConfig = z.output<typeof schema>

/** Throws `invalid_config` listing every error. */
export function loadGatewayConfig(env: NodeJS.ProcessEnv): GatewayConfig {
  const config = loadConfig(schema, env)
  checkNatsConfig(config)
  checkLabelStream(config)
  requireTimeToDrain(config)
  return config
}

function checkLabelStream({ NATS_URL, HINDSIGHT_LABEL_STREAM: stream, HINDSIGHT_LABEL_SUBJECT: subject }: GatewayConfig): void {
  if (stream === undefined) return
  if (NATS_URL === undefined) throw new ServiceError('invalid_config', 'HINDSIGHT_LABEL_STREAM: goes together with NATS_URL')
  parseSubjectPattern(subject)
}

function requireTimeToDrain({ HINDSIGHT_DRAIN_DELAY_MS: delayMs, HINDSIGHT_DRAIN_TIMEOUT_MS: timeoutMs }: GatewayConfig): void {
  if (delayMs < timeoutMs) return
  throw new ServiceError(
    'invalid_config',
    `HINDSIGHT_DRAIN_DELAY_MS: ${delayMs} leaves nothing of HINDSIGHT_DRAIN_TIMEOUT_MS, ${timeoutMs}`,
  )
}
