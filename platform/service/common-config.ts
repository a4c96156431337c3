import { z } from 'zod'
import { ServiceError } from '../../contracts/errors.ts'

const port = z.coerce.number().int().min(0).max(65_535)

/**
 * The environment variables that services share; each service picks from them and adds its own. Keys are the
 * variables' names.
 */
export const commonConfigFields = {
  HINDSIGHT_PROJECT_DIR: z.string().default('models').describe('The project folder.'),
  HINDSIGHT_DATA_DIR: z.string().default('.hindsight').describe('Where the outbox, the online store and the embedded warehouse live.'),
  HINDSIGHT_HOST: z.string().default('127.0.0.1').describe('The address the gateway listens on.'),
  HINDSIGHT_PORT: port.default(8080).describe('The port the gateway listens on; 0 takes a free one.'),
  HINDSIGHT_API_KEY: z
    .string()
    .min(16)
    .optional()
    .describe('Required as soon as the gateway listens beyond loopback; at least 16 characters.'),
  HINDSIGHT_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'),
  HINDSIGHT_ADMIN_HOST: z
    .string()
    .default('127.0.0.1')
    .describe('The address of the admin listener: health, metrics, and what changes the service. Beyond loopback the latter needs a key.'),
  HINDSIGHT_ADMIN_PORT: port.default(0).describe('Port of the admin listener; 0 takes a free one.'),
  HINDSIGHT_DRAIN_TIMEOUT_MS: z.coerce.number().int().positive().default(20_000).describe('Longest a service may take to drain.'),
  CLICKHOUSE_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('HTTP interface of ClickHouse.'),
  CLICKHOUSE_USER: z.string().optional(),
  CLICKHOUSE_PASSWORD: z.string().optional(),
} as const

/** An OTLP endpoint, which is checked at the start: telemetry that goes nowhere would be found only when it is missed. The SDK reads the value itself. */
const otlpEndpoint = z.url({ protocol: /^https?$/ }).optional()

const runnerConfigSchema = z.object({
  HINDSIGHT_DATA_DIR: commonConfigFields.HINDSIGHT_DATA_DIR,
  HINDSIGHT_LOG_LEVEL: commonConfigFields.HINDSIGHT_LOG_LEVEL,
  HINDSIGHT_ADMIN_HOST: commonConfigFields.HINDSIGHT_ADMIN_HOST,
  HINDSIGHT_ADMIN_PORT: commonConfigFields.HINDSIGHT_ADMIN_PORT,
  HINDSIGHT_DRAIN_TIMEOUT_MS: commonConfigFields.HINDSIGHT_DRAIN_TIMEOUT_MS,
  OTEL_EXPORTER_OTLP_ENDPOINT: otlpEndpoint,
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: otlpEndpoint,
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: otlpEndpoint,
})

/** The configuration that the service runner itself reads. */
export function loadRunnerConfig(env: NodeJS.ProcessEnv): z.output<typeof runnerConfigSchema> {
  return loadConfig(runnerConfigSchema, env)
}

/**
 * Parses the environment; an empty variable counts as unset. Throws `invalid_config` that lists every error at
 * once, one per line, without the values.
 *
 * @example
 * ```ts
 * import { z } from 'zod'
 * import { commonConfigFields, loadConfig } from './common-config.ts'
 *
 * const { HINDSIGHT_DATA_DIR, HINDSIGHT_PORT } = commonConfigFields
 * const config = loadConfig(z.object({ HINDSIGHT_DATA_DIR, HINDSIGHT_PORT }), { HINDSIGHT_PORT: '9000' })
 * config // => { HINDSIGHT_DATA_DIR: '.hindsight', HINDSIGHT_PORT: 9000 }
 * ```
 */
export function loadConfig<Schema extends z.ZodType>(schema: Schema, env: NodeJS.ProcessEnv): z.output<Schema> {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  const result = schema.safeParse(set)
  if (result.success) return result.data
  const lines = result.error.issues.map((issue) => `${issue.path.map(String).join('.') || 'environment'}: ${issue.message}`)
  throw new ServiceError('invalid_config', lines.join('\n'))
}

const secretName = /KEY|PASSWORD|SECRET|TOKEN/i

/** The config fit to be printed: secrets and credentials in URLs are replaced by `***`. */
export function redactConfig(config: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).map(([name, value]) => [name, redactValue(name, value)]))
}

function redactValue(name: string, value: unknown): unknown {
  if (value === undefined || typeof value !== 'string') return value
  if (secretName.test(name)) return '***'
  return value.replaceAll(/(\/\/)[^/\s]+@/g, '$1***@')
}

/** Whether a listening address is reachable from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

/** Throws `invalid_config` when the service would listen beyond this machine without a key. */
export function requireKeyBeyondLoopback(config: {
  HINDSIGHT_HOST: string
  HINDSIGHT_API_KEY?: string | undefined
  hasKeys?: boolean
}): void {
  if (isLoopback(config.HINDSIGHT_HOST) || config.HINDSIGHT_API_KEY !== undefined || config.hasKeys === true) return
  throw new ServiceError('invalid_config', `HINDSIGHT_HOST: listening on ${config.HINDSIGHT_HOST} needs HINDSIGHT_API_KEY, or an API key`, {
    hint: 'run `npx hindsight keys create`, or set HINDSIGHT_API_KEY to at least 16 characters, or listen on 127.0.0.1',
  })
}
