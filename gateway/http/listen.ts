import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { acceptFaster } from './accept-faster.ts'
import { answerMalformed, refuseMalformed } from './refuse-malformed.ts'
import { failpoint, hasFailpoints } from '../../platform/service/failpoint.ts'

export type Listener = {
  /** The address of the listener, as `http://127.0.0.1:8080`, with the port that was taken. */
  url: string
  /**
   * Takes no more connections and ends the idle ones; resolves when the last answer is sent. What is open after `withinMs`
   * is cut: a client that sends slowly, or an answer that takes longer.
   */
  close(options: { withinMs: number }): Promise<void>
}

/** The longest that a client may take to send its headers, and its whole request: a slow one must not hold a place. */
const headersTimeoutMs = 10_000
const requestTimeoutMs = 30_000
const sweepMs = 20
/** The host of a request of HTTP/1.0, which has no Host header, as in some load balancers' health checks. */
const hostOfOldClients = 'localhost'

/** Answers a request itself, or returns false. */
export type First = (incoming: IncomingMessage, outgoing: ServerResponse) => boolean

/**
 * Listens for requests, of which each is given to `first` before anything is made of it for `fetch`. Rejects with the system's
 * error when the address cannot be listened on.
 */
export async function listen(
  fetch: (request: Request) => Response | Promise<Response>,
  { host, port, first }: { host: string; port: number; first?: First },
): Promise<Listener> {
  const serverOptions = {
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: 65_000,
    // A header that is sent twice is joined as fetch does it, on every way to a handler; Node by itself would drop the second.
    joinDuplicateHeaders: true,
  }
  const others = getRequestListener(fetch, { hostname: hostOfOldClients, errorHandler: answerMalformed })
  const server = createServer(serverOptions, (incoming, outgoing) => {
    if (!first?.(incoming, outgoing)) void others(incoming, outgoing)
  })
  server.on('clientError', refuseMalformed)
  if (hasFailpoints) server.on('request', (_, response) => response.once('finish', () => failpoint('gateway.after_answer')))
  await new Promise<void>((resolve, reject) => {
    // Bun's error does not say what it could not listen on.
    server.once('error', (error) => reject(Object.assign(error, { address: host, port })))
    server.listen(port, host, resolve)
  })
  const closeCopies = await acceptFaster(server)
  const { port: taken } = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    async close({ withinMs }) {
      const closed = Promise.all([new Promise<void>((resolve) => server.close(() => resolve())), closeCopies()])
      // A connection that was busy when the server closed stays open, idle, once its answer is sent.
      const sweep = setInterval(() => server.closeIdleConnections(), sweepMs)
      const cut = setTimeout(() => server.closeAllConnections(), withinMs)
      await closed.finally(() => {
        clearInterval(sweep)
        clearTimeout(cut)
      })
    },
  }
}
