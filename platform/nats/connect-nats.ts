import { isIP } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import {
  AuthorizationError,
  connect,
  TimeoutError,
  UserAuthenticationExpiredError,
  type ConnectionOptions,
  type NatsConnection,
  type Status,
} from '@nats-io/transport-node'
import { ServiceError } from '../../contracts/errors.ts'
import { toAuthenticator } from './credentials-nats.ts'
import { readNatsFile, toIdentity, toServers, type NatsSettings } from './nats-config.ts'
import { settledWithin } from '../service/within.ts'
import { pause } from '../service/pause.ts'

/** The longest wait at a close for what is buffered, which goes out in far less unless the server hangs. */
const drainAtMostMs = 2_000

/** One connection that comes back by itself for as long as the process lives. */
export type NatsLink = {
  nc: NatsConnection
  connected(): boolean
  /** Called at every reconnect, until the link is closed. */
  onReconnect(action: () => void): void
  /** Sends what is buffered, then closes. */
  close(): Promise<void>
}

/** The pause between attempts, short enough that a restarted server is soon used; the client adds jitter, so that not everybody comes at once. */
const reconnectPauseMs = 250
const tellWhyEveryMs = 2_000

/**
 * Connects, and waits for a server that is not there, or does not let us in, yet: whatever the cause, it is told and waited
 * out, at the start as later, so that new credentials on the server or in a file need no restart. The signal ends the wait.
 */
export async function connectNats(
  settings: NatsSettings,
  options: { name: string; onFault: (error: unknown) => void; signal?: AbortSignal },
): Promise<NatsLink> {
  const { name, onFault, signal } = options
  const nc = await firstConnection(() => connectOnce(settings, name), { onFault, signal })
  const reconnects: (() => void)[] = []
  let connected = true

  async function watch(): Promise<void> {
    for await (const status of nc.status()) onStatus(status)
  }

  function onStatus(status: Status): void {
    if (status.type === 'disconnect') {
      if (!connected) return
      connected = false
      onFault(new Error(`the connection to NATS at ${status.server} was lost`))
      void tellWhy()
    }
    if (status.type === 'error') onFault(isRefusal(status.error) ? refused(status.error) : status.error)
    // The client says this once for each attempt that failed before.
    if (status.type !== 'reconnect' || connected) return
    connected = true
    for (const action of reconnects) action()
  }

  /** Finds out by a connection beside it why the client tries in vain: the client itself tries for ever and does not say. */
  async function tellWhy(): Promise<void> {
    for (;;) {
      await sleep(tellWhyEveryMs, undefined, { ref: false })
      if (connected || nc.isClosed()) return
      await connectOnce(settings, name).then((other) => other.close(), onFault)
    }
  }

  void watch()
  return {
    nc,
    connected: () => connected && !nc.isClosed(),
    onReconnect: (action) => void reconnects.push(action),
    async close() {
      if (nc.isClosed()) return
      // Draining a lost connection would wait for it to come back, and that of a server that hangs for its answer.
      if (connected) await settledWithin(drainAtMostMs, nc.drain())
      await nc.close()
    },
  }
}

type FirstConnection = { onFault: (error: unknown) => void; signal: AbortSignal | undefined }

async function firstConnection(attempt: () => Promise<NatsConnection>, { onFault, signal }: FirstConnection): Promise<NatsConnection> {
  while (!signal?.aborted) {
    const connecting = attempt()
    try {
      return await unlessAborted(connecting, signal)
    } catch (error) {
      // A caller that gave up waiting must not be left with a connection.
      if (signal?.aborted) connecting.then((late) => late.close()).catch(() => undefined)
      else onFault(error)
    }
    await pause(reconnectPauseMs * (1 + Math.random()), signal)
  }
  throw stopped()
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  let onAbort: () => void = () => undefined
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(stopped())
    signal.addEventListener('abort', onAbort, { once: true })
  })
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', onAbort))
}

/** Tries every server once. */
async function connectOnce(settings: NatsSettings, name: string): Promise<NatsConnection> {
  const options = await toConnectionOptions(settings, name)
  return connect(options).catch((cause: unknown) => {
    if (isRefusal(cause)) throw refused(cause)
    const reason = cause instanceof Error && cause.message !== '' ? cause.message : 'the connection was closed'
    // A client whose certificate is not trusted is cut off and told nothing.
    const hint = options.tls && cause instanceof TimeoutError && 'perhaps the server wants another certificate: see NATS_CERT_FILE'
    throw new ServiceError('event_log_unavailable', `no connection to NATS: ${reason}`, { cause, ...(hint && { hint }) })
  })
}

function isRefusal(error: unknown): boolean {
  return error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError
}

function refused(cause: unknown): ServiceError {
  return new ServiceError('event_log_unavailable', 'NATS refuses the credentials', {
    cause,
    hint: 'see NATS_USER, NATS_PASSWORD, NATS_TOKEN and NATS_CREDS_FILE, and the server’s log',
  })
}

const stopped = () => new ServiceError('draining', 'stopped while waiting for NATS')

async function toConnectionOptions(settings: NatsSettings, name: string): Promise<ConnectionOptions> {
  const urls = toServers(settings.NATS_URL).map((server) => new URL(server))
  const { user, pass, token } = toIdentity(settings)
  const { NATS_CREDS_FILE: creds } = settings
  const tls = await toTls(settings, urls)
  return {
    name,
    servers: urls.map(({ hostname, port }) => `${hostname}:${port || 4222}`),
    maxReconnectAttempts: -1,
    // With this option left off, a connection that is refused after years of service is closed for good at the second refusal.
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: reconnectPauseMs,
    reconnectJitter: reconnectPauseMs,
    reconnectJitterTLS: reconnectPauseMs,
    // A half-open connection is found out after two missed answers.
    pingInterval: 5_000,
    maxPingOut: 2,
    timeout: 5_000,
    ...(user !== undefined && { user }),
    ...(pass !== undefined && { pass }),
    ...(token !== undefined && { token }),
    ...(creds !== undefined && { authenticator: await toAuthenticator(creds) }),
    ...(tls && { tls }),
  }
}

/** The TLS options, which name the files by path: the client reads them at every connection, and they are replaced before they expire. */
async function toTls(
  { NATS_CA_FILE: caFile, NATS_CERT_FILE: certFile, NATS_KEY_FILE: keyFile }: NatsSettings,
  urls: readonly URL[],
): Promise<ConnectionOptions['tls']> {
  if (caFile) await readNatsFile('NATS_CA_FILE', caFile)
  if (certFile) await readNatsFile('NATS_CERT_FILE', certFile)
  if (keyFile) await readNatsFile('NATS_KEY_FILE', keyFile)
  if (!caFile && !certFile && !urls.some(({ protocol }) => protocol === 'tls:')) return undefined
  const check: object = { checkServerIdentity: toIdentityCheck(urls.map(({ hostname }) => hostname.replaceAll(/[[\]]/g, ''))) }
  return { ...(caFile && { caFile }), ...(certFile && { certFile }), ...(keyFile && { keyFile }), ...check }
}

/** Checks a server's certificate against its address: the client names no host for a server known by address, and Node then wants one for `localhost`. */
function toIdentityCheck(hosts: readonly string[]) {
  const unnamed = hosts.filter((host) => host === 'localhost' || isIP(host) !== 0)
  return (host: string, certificate: PeerCertificate): Error | undefined => {
    const names = host === 'localhost' && unnamed.length > 0 ? unnamed : [host]
    const errors = names.map((name) => checkServerIdentity(name, certificate))
    return errors.includes(undefined) ? undefined : errors[0]
  }
}
