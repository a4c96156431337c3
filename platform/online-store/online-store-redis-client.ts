import { Cluster, Command, Redis, type RedisOptions, ReplyError } from 'ioredis'
import { ServiceError } from '../../contracts/errors.ts'

export type RedisConnection = {
  /** `redis://` or `rediss://` with host, and optionally user, password and, without a cluster, the database's number. */
  url: string
  /** The ACL user and password, which go before those of the URL. */
  user?: string | undefined
  password?: string | undefined
  /** PEM of the authority to trust for `rediss://`, instead of the system's. */
  ca?: string | undefined
  /** Whether the URL is one node of a Redis Cluster. */
  cluster?: boolean | undefined
  connectTimeoutMs?: number | undefined
  /** The time without an answer after which a command fails, and its connection is given up. */
  commandTimeoutMs?: number | undefined
  /** Called with the first error since the connection was last there. */
  onFault?: ((error: Error) => void) | undefined
}

export type RedisClient = {
  /** Sends one command; its keys must share a hash tag. Throws `online_store_unavailable`, at once without a connection. */
  call(command: string, args: readonly (string | number | Uint8Array)[]): Promise<unknown>
  close(): Promise<void>
}

const longestReconnectPauseMs = 1_000

/** Connects, and again whenever the connection is lost. Nothing is queued meanwhile, and nothing is sent twice. */
export async function connectRedis(connection: RedisConnection): Promise<RedisClient> {
  const client = connection.cluster === true ? createCluster(connection) : createSingle(connection)
  let reported = false
  let closing = false
  function report(error: Error): void {
    if (!reported && !closing) connection.onFault?.(withoutArguments(error))
    reported = true
  }
  client.on('error', report)
  client.on('close', () => report(new Error('the connection to the online store was lost')))
  client.on('ready', () => void (reported = false))
  await firstOutcome(client)
  const sendTogether = createSendTogether(client)
  return {
    async call(command, args) {
      try {
        sendTogether()
        return await client.sendCommand(new Command(command, args.map(toArgument), { replyEncoding: null }))
      } catch (error) {
        throw toUnavailable(error)
      }
    },
    async close() {
      closing = true
      client.disconnect()
    },
  }
}

/** Gathers the commands of one turn, before each of which it is called, into one write to each node: a write costs as much as the rest of a small command. */
function createSendTogether(client: Redis | Cluster): () => void {
  let gathering = false
  return () => {
    if (gathering) return
    const streams = (client instanceof Cluster ? client.nodes() : [client]).flatMap(({ stream }) => stream ?? [])
    if (streams.length === 0) return
    gathering = true
    for (const stream of streams) stream.cork()
    process.nextTick(() => {
      gathering = false
      for (const stream of streams) stream.uncork()
    })
  }
}

/** Waits until the first attempt to connect has ended, well or not: whoever uses the client is told the rest by each command. */
async function firstOutcome(client: Redis | Cluster): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const event of ['ready', 'close', 'end']) client.once(event, () => resolve())
  })
}

function createSingle(connection: RedisConnection): Redis {
  const { url } = connection
  const db = Number(new URL(url).pathname.slice(1) || 0)
  if (!Number.isInteger(db)) throw new ServiceError('invalid_config', 'the path of the Redis URL is not the number of a database')
  return new Redis({
    ...addressOf(url),
    ...optionsOf(connection),
    db,
    retryStrategy: reconnectPauseMs,
    enableOfflineQueue: false,
    // A replica that answers was a primary until now: connecting again finds the new one.
    reconnectOnError: (error) => replyCode(error) === 'READONLY',
  })
}

function createCluster(connection: RedisConnection): Cluster {
  return new Cluster([addressOf(connection.url)], {
    redisOptions: optionsOf(connection),
    enableOfflineQueue: false,
    clusterRetryStrategy: reconnectPauseMs,
    maxRedirections: 4,
    slotsRefreshTimeout: connection.connectTimeoutMs ?? 2_000,
    // A certificate names the host, not what it resolves to.
    ...(new URL(connection.url).protocol === 'rediss:' ? { dnsLookup: (host, found) => found(null, host) } : {}),
  })
}

function optionsOf({ url, user, password, ca, connectTimeoutMs = 2_000, commandTimeoutMs = 1_000 }: RedisConnection) {
  const parsed = new URL(url)
  const username = user ?? (decodeURIComponent(parsed.username) || undefined)
  const secret = password ?? (decodeURIComponent(parsed.password) || undefined)
  return {
    ...(username === undefined ? {} : { username }),
    ...(secret === undefined ? {} : { password: secret }),
    ...(parsed.protocol === 'rediss:' ? { tls: ca === undefined ? {} : { ca } } : {}),
    connectTimeout: connectTimeoutMs,
    commandTimeout: commandTimeoutMs,
    socketTimeout: commandTimeoutMs,
    // With these two options, a lost connection fails what waits on it, and a commit is never sent a second time behind our back.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
  } satisfies RedisOptions
}

function addressOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 6379) }
}

function reconnectPauseMs(attempt: number): number {
  return Math.min(50 * attempt, longestReconnectPauseMs)
}

function toArgument(value: string | number | Uint8Array): string | number | Buffer {
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value
}

function toUnavailable(error: unknown): ServiceError {
  const code = replyCode(error)
  const message = code === undefined ? 'the online store does not answer' : `the online store answers ${code}`
  return new ServiceError('online_store_unavailable', message, { cause: withoutArguments(error) })
}

/** The code of an error reply, which is its first word. */
function replyCode(error: unknown): string | undefined {
  return error instanceof ReplyError ? (error as Error).message.split(' ', 1)[0] : undefined
}

/** The error without the failed command, which the client's errors carry: it may have values of features, or the password. */
function withoutArguments(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  const code = 'code' in error ? { code: error.code } : {}
  return Object.assign(new Error(error.message), { name: error.name, ...code })
}
