import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { ServiceError } from '../../contracts/errors.ts'

const milliseconds = () => z.coerce.number().int().min(100)

/** The environment variables of every process on the event log; keys are the variables' names. */
export const natsConfigFields = {
  NATS_URL: z
    .string()
    .refine((text) => toServers(text).every(isServer), { error: 'must be nats:// or tls:// URLs, with commas between' })
    .optional()
    .describe('The event log between the processes, instead of the outbox alone: NATS with JetStream, 2.9 or newer.'),
  NATS_USER: z.string().optional().describe('Goes before the one in the URL.'),
  NATS_PASSWORD: z.string().optional(),
  NATS_TOKEN: z.string().optional(),
  NATS_CREDS_FILE: z.string().optional().describe('File with a JWT and its seed, as `nsc` writes it.'),
  NATS_CA_FILE: z.string().optional().describe('PEM file of the authority to trust; turns TLS on.'),
  NATS_CERT_FILE: z.string().optional().describe('PEM file of the certificate to show; with NATS_KEY_FILE.'),
  NATS_KEY_FILE: z.string().optional(),
  NATS_STREAM_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,32}$/, 'must consist of letters, digits, `_` and `-`')
    .default('hindsight')
    .describe('Before every stream and subject, so that several systems share a NATS account.'),
  NATS_STREAM_REPLICAS: z.coerce.number().int().min(1).max(5).default(1).describe('Copies of each stream in a cluster.'),
  NATS_STREAM_MAX_BYTES: z.coerce
    .number()
    .int()
    .min(1024 ** 2)
    .default(1024 ** 3)
    .describe('Size of each of the four streams. A quarter of it is what may be published and not stored; the rest waits in the outbox.'),
  NATS_STREAM_MAX_AGE_MS: milliseconds()
    .default(7 * 24 * 3_600_000)
    .describe('How long a message stays in a stream.'),
  NATS_DUPLICATE_WINDOW_MS: milliseconds().default(120_000).describe('How long a stream remembers message ids.'),
  NATS_ACK_WAIT_MS: milliseconds()
    .default(60_000)
    .describe('When a message that was taken and not settled is delivered again. After twice this it is published again.'),
} as const

const schema = z.object(natsConfigFields)
export type NatsConfig = z.output<typeof schema>
/** The settings with NATS_URL, which puts the event log on NATS. */
export type NatsSettings = NatsConfig & { NATS_URL: string }

/** @throws ServiceError `invalid_config` for values that contradict one another. */
export function checkNatsConfig(config: NatsConfig): void {
  const { NATS_ACK_WAIT_MS: ackWaitMs, NATS_STREAM_MAX_AGE_MS: maxAgeMs, NATS_DUPLICATE_WINDOW_MS: windowMs } = config
  if (2 * ackWaitMs >= maxAgeMs) throw invalid('NATS_STREAM_MAX_AGE_MS: must be more than twice NATS_ACK_WAIT_MS')
  if (windowMs > maxAgeMs) throw invalid('NATS_DUPLICATE_WINDOW_MS: must not be more than NATS_STREAM_MAX_AGE_MS')
  if ((config.NATS_CERT_FILE === undefined) !== (config.NATS_KEY_FILE === undefined))
    throw invalid('NATS_CERT_FILE: goes together with NATS_KEY_FILE')
  if (usesNats(config) && config.NATS_PASSWORD !== undefined && toIdentity(config).user === undefined)
    throw invalid('NATS_PASSWORD: goes together with NATS_USER')
}

export function usesNats(config: NatsConfig): config is NatsSettings {
  return config.NATS_URL !== undefined
}

export function toServers(text: string): string[] {
  return text.split(',').map((server) => server.trim())
}

/** The identity to connect with: that of the variables, else of the first URL that has one; a name without a password is a token, as NATS has it. */
export function toIdentity(settings: NatsSettings): { user?: string | undefined; pass?: string | undefined; token?: string | undefined } {
  const { NATS_URL, NATS_USER, NATS_PASSWORD, NATS_TOKEN } = settings
  const url = toServers(NATS_URL)
    .map((server) => new URL(server))
    .find(({ username }) => username !== '')
  const [name, password] = [url?.username, url?.password].map((text) => decodeURIComponent(text ?? '') || undefined)
  const isToken = name !== undefined && password === undefined && NATS_USER === undefined && NATS_PASSWORD === undefined
  if (isToken) return { token: NATS_TOKEN ?? name }
  return { user: NATS_USER ?? name, pass: NATS_PASSWORD ?? password, token: NATS_TOKEN }
}

/** @throws ServiceError `invalid_config` that names the variable, never the path's content. */
export async function readNatsFile(variable: 'NATS_CREDS_FILE' | 'NATS_CA_FILE' | 'NATS_CERT_FILE' | 'NATS_KEY_FILE', path: string) {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new ServiceError('invalid_config', `${variable}: the file cannot be read`, { cause })
  }
}

function isServer(server: string): boolean {
  if (!URL.canParse(server)) return false
  const { protocol, hostname, username, password } = new URL(server)
  return ['nats:', 'tls:'].includes(protocol) && hostname !== '' && [username, password].every(isEncoded)
}

function isEncoded(text: string): boolean {
  try {
    return decodeURIComponent(text) !== undefined
  } catch {
    return false
  }
}

function invalid(message: string): ServiceError {
  return new ServiceError('invalid_config', message)
}
