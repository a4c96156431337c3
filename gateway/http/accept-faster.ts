import { fork, type SendHandle } from 'node:child_process'
import cluster from 'node:cluster'
import type { Server as HttpServer } from 'node:http'
import { createServer, type Server } from 'node:net'
import { fileURLToPath } from 'node:url'
import { isBun } from '../../platform/service/bun.ts'

const copies = 15
const helperFile = fileURLToPath(new URL('./copy-listener.js', import.meta.url))

/**
 * Has a server that listens accept sixteen connections per turn of the event loop. Node.js accepts one: when turns take tens of
 * milliseconds, under load, hundreds of clients that connect at once would wait for seconds. So the socket is listened on by
 * copies too, each of which accepts one; a copy is what comes back when it was sent to another process and back. Does nothing in a
 * cluster's worker, whose primary accepts, and on Bun, which accepts all that wait. Returns how to close the copies, which resolves when their connections have ended.
 */
export async function acceptFaster(server: HttpServer): Promise<() => Promise<void>> {
  const listeners: Server[] = []
  if (cluster.isPrimary && !isBun) await copyListener(server, listeners)
  return async () => {
    await Promise.all(listeners.map((listener) => new Promise((resolve) => listener.close(resolve))))
  }
}

/** A socket of the system that may be listened on, for which `node:net` has no types. */
type ServerHandle = SendHandle & object

async function copyListener(server: HttpServer, listeners: Server[]): Promise<void> {
  const listenOn = (handle: ServerHandle) => {
    // The connections of a copy have the options that the server gives its own.
    const listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => server.emit('connection', socket))
    listeners.push(listener.listen(handle))
  }
  const { _handle: handle } = server as HttpServer & { _handle: ServerHandle }
  const helper = fork(helperFile, { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  try {
    await new Promise<void>((resolve, reject) => {
      helper.once('error', reject)
      helper.once('exit', (code, signal) => reject(new Error(`the listening socket was not copied: ${signal ?? `exit status ${code}`}`)))
      helper.on('message', (message, copy) => (message === 'done' ? resolve() : listenOn(copy as ServerHandle)))
      helper.send({ copies }, handle)
    })
  } finally {
    if (helper.connected) helper.disconnect()
  }
}
