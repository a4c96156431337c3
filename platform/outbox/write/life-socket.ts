import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createConnection, createServer } from 'node:net'
import { join } from 'node:path'
import { closeFile, openFile, openIfThere } from '../format/outbox-files.ts'
import { errnoOf, isMissing } from '../format/segment-names.ts'

/**
 * A sign of life that the kernel takes away with the process: a socket in the directory that listens. Unlike a pid it is
 * seen from other containers that have the directory mounted, and unlike a heartbeat it outlasts a process that is paused.
 */
export type LifeSocket = { name: string; close(): Promise<void> }

export const lifeSocketName = /^life-[0-9a-f]{12}$/

/** Opens a life socket; undefined where the file system takes no sockets. */
export async function openLifeSocket(directory: string): Promise<LifeSocket | undefined> {
  const name = `life-${randomBytes(6).toString('hex')}`
  const fd = await openFile(directory, 'r')
  const server = createServer((asker) => asker.destroy()).unref()
  try {
    // The socket is held by this very process, also where it is a worker of a cluster.
    server.listen({ path: shortPath(directory, fd, name), exclusive: true })
    await once(server, 'listening')
  } catch {
    await closeFile(fd)
    return undefined
  }
  return {
    name,
    async close() {
      await new Promise((resolve) => server.close(resolve))
      await closeFile(fd)
    },
  }
}

/** Whether somebody holds the socket. Undefined when it is not there, which proves nothing; what cannot be asked is held. */
export async function isHeld(directory: string, name: string): Promise<boolean | undefined> {
  const fd = await openIfThere(directory)
  if (fd === undefined) return undefined
  const socket = createConnection(shortPath(directory, fd, name))
  try {
    await once(socket, 'connect')
    return true
  } catch (error) {
    if (isMissing(error)) return undefined
    return errnoOf(error) !== 'ECONNREFUSED'
  } finally {
    socket.destroy()
    await closeFile(fd)
  }
}

/** A path of the socket that is short enough: it may have about a hundred bytes, a data directory any number. */
function shortPath(directory: string, fd: number, name: string): string {
  return process.platform === 'linux' ? `/proc/self/fd/${fd}/${name}` : join(directory, name)
}
