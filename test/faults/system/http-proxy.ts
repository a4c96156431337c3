import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * What becomes of a request. `refuse`: the warehouse never sees it. `refuse_after`: it is carried out, and the caller is told
 * that it failed. `delayMs`: it is carried out, and the answer comes late.
 */
export type Treatment = 'pass' | 'refuse' | 'refuse_after' | { delayMs: number }

export type HttpProxy = {
  port: number
  /** Sets how requests are treated; asked for each one. */
  set(treat: () => Treatment): void
  close(): Promise<void>
}

/** Stands before the warehouse and lets it fail as ClickHouse does: MEMORY_LIMIT_EXCEEDED, which says nothing about the rows. */
export async function startHttpProxy(targetPort: number): Promise<HttpProxy> {
  let treat: () => Treatment = () => 'pass'
  const server = createServer((incoming, outgoing) => {
    const treatment = treat()
    if (treatment === 'refuse') {
      incoming.resume()
      incoming.once('end', () => refuse(outgoing))
    } else forward({ incoming, outgoing, targetPort, treatment })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    set: (next) => void (treat = next),
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

type Forwarding = {
  incoming: IncomingMessage
  outgoing: ServerResponse
  targetPort: number
  treatment: Exclude<Treatment, 'refuse'>
}

function forward({ incoming, outgoing, targetPort, treatment }: Forwarding): void {
  const { method, url, headers } = incoming
  const upstream = request({ host: '127.0.0.1', port: targetPort, method, path: url, headers }, (answer) => {
    const pass = () => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    }
    if (treatment === 'refuse_after') {
      answer.resume()
      answer.once('end', () => refuse(outgoing))
    } else if (treatment === 'pass') pass()
    else setTimeout(pass, treatment.delayMs)
  })
  upstream.once('error', () => outgoing.destroy())
  outgoing.once('close', () => upstream.destroy())
  incoming.pipe(upstream)
}

function refuse(outgoing: ServerResponse): void {
  const body = 'Code: 241. DB::Exception: Memory limit (total) exceeded. (MEMORY_LIMIT_EXCEEDED)\n'
  outgoing.writeHead(500, { 'X-ClickHouse-Exception-Code': '241', 'Content-Length': Buffer.byteLength(body) })
  outgoing.end(body)
}
