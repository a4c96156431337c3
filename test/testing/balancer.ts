import { once } from 'node:events'
import { Agent, createServer, get, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Balancer = {
  url: string
  /** How many backends get requests now. */
  inRotation(): number
  /** How many requests were passed on, and how many of them on a connection that had been used before. */
  passed(): { requests: number; reused: number }
  close(): Promise<void>
}

type Backend = { url: string; agent: Agent; ready: boolean; probing: boolean }

/** Milliseconds between two looks at a backend's `/readyz`. */
export const probeMs = 50

/**
 * A load balancer as plain as they come: sends each request to the next backend whose last probe was a 200, on connections
 * that it keeps, and tries nothing twice.
 */
export async function startBalancer(urls: readonly string[]): Promise<Balancer> {
  const backends = urls.map((url): Backend => ({ url, agent: new Agent({ keepAlive: true }), ready: false, probing: false }))
  let [next, requests, reused] = [0, 0, 0]

  function handle(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const ready = backends.filter((backend) => backend.ready)
    const backend = ready[next++ % ready.length]
    if (backend === undefined) return fail(outgoing, 'no backend is ready')
    const upstream = request(backend.url + incoming.url, { method: incoming.method, headers: incoming.headers, agent: backend.agent })
    upstream.once('response', (answer) => {
      requests += 1
      if (upstream.reusedSocket) reused += 1
      const { connection: _hop, ...headers } = answer.headers
      outgoing.writeHead(answer.statusCode ?? 502, headers)
      answer.pipe(outgoing)
    })
    upstream.once('error', (error) => fail(outgoing, error.message))
    incoming.pipe(upstream)
  }

  const probes = setInterval(() => backends.forEach(probe), probeMs)
  // Neither end of a connection within this process may close what the other is about to use: a busy machine holds both up.
  const server = createServer({ keepAliveTimeout: 0 }, handle).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    inRotation: () => backends.filter(({ ready }) => ready).length,
    passed: () => ({ requests, reused }),
    async close() {
      clearInterval(probes)
      server.close()
      server.closeAllConnections()
      for (const { agent } of backends) agent.destroy()
      await once(server, 'close')
    },
  }
}

function probe(backend: Backend): void {
  if (backend.probing) return
  backend.probing = true
  const settle = (ready: boolean) => Object.assign(backend, { ready, probing: false })
  get(`${backend.url}/readyz`, (answer) => {
    answer.resume()
    settle(answer.statusCode === 200)
  }).once('error', () => settle(false))
}

function fail(outgoing: ServerResponse, error: string): void {
  outgoing.writeHead(502, { 'content-type': 'application/json' }).end(JSON.stringify({ error }))
}
