import { createServer } from 'node:net'
import { toStartupError } from '../../platform/service/startup-errors.ts'

/** Throws `invalid_config` when nothing can listen there now; 0 is always free. */
export async function requireFreePort(port: number, host: string): Promise<void> {
  await probe(port, host).catch((error: unknown) => {
    throw toStartupError(error)
  })
}

/** The preferred port when it is free on loopback, else any that is. */
export async function pickPort(preferred: number): Promise<number> {
  return probe(preferred, '127.0.0.1').catch(() => probe(0, '127.0.0.1'))
}

function probe(port: number, host: string): Promise<number> {
  const server = createServer()
  return new Promise((done, fail) => {
    server.once('error', fail)
    server.listen({ port, host, exclusive: true }, () => {
      const { port: bound } = server.address() as { port: number }
      server.close(() => done(bound))
    })
  })
}
