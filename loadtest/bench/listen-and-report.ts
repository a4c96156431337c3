import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Listens on a free port of loopback, tells the parent as a service of the product does, and ends with SIGTERM. */
export function listenAndReport(server: Server): void {
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo
    process.send?.({ type: 'ready', addresses: { http: `http://127.0.0.1:${port}` }, admin: '' })
  })
  process.once('SIGTERM', () => process.exit(0))
}
