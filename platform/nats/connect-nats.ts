import { connect, credsAuthenticator, type ConnectionOptions, type NatsConnection, type Status } from '@nats-io/transport-node'
import { ServiceError } from '../../contracts/errors.ts'
import { readNatsFile, toServers, type NatsSettings } from './nats-config.ts'

/** One connection that comes back by itself for as long as the process lives. */
export type NatsLink = {
  nc: NatsConnection
  connected(): boolean
  /** Called at every reconnect, until the link is closed. */
  onReconnect(action: () => void): void
  /** Sends what is buffered, then closes. */
  close(): Promise<void>
}

/** Low enough that a restarted server is soon used, with jitter so that not everybody comes at once. */
const reconnectPauseMs = 250

/**
 * Connects, and waits for a server that is not there yet. The signal ends the wait.
 * @throws ServiceError `invalid_config` when the server refuses the credentials or a file cannot be read.
 */
export async function connectNats(
  settings: NatsSettings,
  options: { name: string; onFault: (error: Error) => void; signal?: AbortSignal },
): Promise<NatsLink> {
  const { onFault, signal } = options
  const nc = await firstConnection(await toConnectionOptions(settings, options.name), signal)
  const reconnects: (() => void)[] = []
  let connected = true

  async function watch(): Promise<void> {
    for await (const status of nc.status()) onStatus(status)
  }

  function onStatus(status: Status): void {
    if (status.type === 'disconnect') {
      if (connected) onFault(new Error(`the connection to NATS at ${status.server} was lost`))
      connected = false
    }
    if (status.type === 'error') onFault(status.error)
    if (status.type !== 'reconnect') return
    connected = true
    for (const action of reconnects) action()
  }

  void watch()
  return {
    nc,
    connected: () => connected && !nc.isClosed(),
    onReconnect: (action) => void reconnects.push(action),
    async close() {
      if (nc.isClosed()) return
      // Draining a lost connection would wait for it to come back.
      if (connected) await nc.drain().catch(() => undefined)
      await nc.close()
    },
  }
}

async function firstConnection(options: ConnectionOptions, signal: AbortSignal | undefined): Promise<NatsConnection> {
  let abandoned = false
  const connecting = connect(options).catch((cause: unknown) => {
    throw new ServiceError('invalid_config', 'NATS_URL: the server does not let us in: check credentials and TLS', { cause })
  })
  // Whoever gave up waiting must not be left with a connection.
  connecting.then((late) => (abandoned ? late.close() : undefined)).catch(() => undefined)
  if (signal === undefined) return connecting
  const aborted = new Promise<never>((_, reject) => {
    const give = () => {
      abandoned = true
      reject(new ServiceError('draining', 'stopped while waiting for NATS'))
    }
    if (signal.aborted) give()
    else signal.addEventListener('abort', give, { once: true })
  })
  return Promise.race([connecting, aborted])
}

async function toConnectionOptions(settings: NatsSettings, name: string): Promise<ConnectionOptions> {
  const urls = toServers(settings.NATS_URL).map((server) => new URL(server))
  const [first] = urls
  const user = settings.NATS_USER ?? (decodeURIComponent(first?.username ?? '') || undefined)
  const pass = settings.NATS_PASSWORD ?? (decodeURIComponent(first?.password ?? '') || undefined)
  const creds = settings.NATS_CREDS_FILE && (await readNatsFile('NATS_CREDS_FILE', settings.NATS_CREDS_FILE))
  const tls = await toTls(settings, urls)
  return {
    name,
    servers: urls.map(({ hostname, port }) => `${hostname}:${port || 4222}`),
    maxReconnectAttempts: -1,
    waitOnFirstConnect: true,
    reconnectTimeWait: reconnectPauseMs,
    reconnectJitter: reconnectPauseMs,
    // A half-open connection is found out after two missed answers.
    pingInterval: 5_000,
    maxPingOut: 2,
    timeout: 5_000,
    ...(user !== undefined && { user }),
    ...(pass !== undefined && { pass }),
    ...(settings.NATS_TOKEN !== undefined && { token: settings.NATS_TOKEN }),
    ...(creds && { authenticator: credsAuthenticator(creds) }),
    ...(tls && { tls }),
  }
}

async function toTls(
  { NATS_CA_FILE, NATS_CERT_FILE, NATS_KEY_FILE }: NatsSettings,
  urls: readonly URL[],
): Promise<ConnectionOptions['tls']> {
  const ca = NATS_CA_FILE && (await readNatsFile('NATS_CA_FILE', NATS_CA_FILE))
  const cert = NATS_CERT_FILE && (await readNatsFile('NATS_CERT_FILE', NATS_CERT_FILE))
  const key = NATS_KEY_FILE && (await readNatsFile('NATS_KEY_FILE', NATS_KEY_FILE))
  if (!ca && !cert && !urls.some(({ protocol }) => protocol === 'tls:')) return undefined
  return { ...(ca && { ca: ca.toString() }), ...(cert && { cert: cert.toString() }), ...(key && { key: key.toString() }) }
}
