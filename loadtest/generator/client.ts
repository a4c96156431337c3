import { connect, type Socket } from 'node:net'
import { type Answer, noAnswer, parseAnswer } from './answer.ts'

/** Sends requests that were rendered beforehand, over connections that stay open: little work, so that the server has the machine. */
export type Client = {
  /** Sends one of the requests, in turn; where all connections are busy it waits for one. */
  send(done: (answer: Answer) => void): void
  close(): void
}

type ClientOptions = {
  /** The whole URL that is posted to. */
  url: string
  bodies: readonly string[]
  /** The key that is sent as a bearer token. */
  key?: string | undefined
  mostConnections?: number
}

type Done = (answer: Answer) => void
type Connection = { socket: Socket; done: Done | undefined; sentAt: number; received: Buffer | undefined; idleSince: number }

/** The longest that a connection may have been idle when it is used: a server closes those that were for 5 s, perhaps just then. */
const mostIdleMs = 2_000
const timeoutMs = 10_000
const sweepMs = 500

export function createClient({ url, bodies, key, mostConnections = 1_024 }: ClientOptions): Client {
  const { hostname, port, host, pathname } = new URL(url)
  const requests = bodies.map((body) => render({ host, pathname, key, body }))
  const open = new Set<Connection>()
  const idle: Connection[] = []
  const waiting: Done[] = []
  let sent = 0
  const sweep = setInterval(() => {
    const now = performance.now()
    for (const { done, sentAt, socket } of open) if (done !== undefined && now - sentAt > timeoutMs) socket.destroy()
  }, sweepMs)

  function connectOne(): Connection {
    const socket = connect({ host: hostname, port: Number(port) })
    const connection: Connection = { socket, done: undefined, sentAt: 0, received: undefined, idleSince: 0 }
    open.add(connection)
    socket.setNoDelay(true)
    socket.on('data', (bytes) => receive(connection, bytes))
    // Whatever ends a connection, `close` comes after it and tells whoever waits.
    socket.on('error', () => undefined)
    socket.on('close', () => remove(connection))
    return connection
  }

  function write(connection: Connection, done: Done): void {
    connection.done = done
    connection.sentAt = performance.now()
    connection.socket.write(requests[sent++ % requests.length] as Buffer)
  }

  function receive(connection: Connection, bytes: Buffer): void {
    const whole = connection.received === undefined ? bytes : Buffer.concat([connection.received, bytes])
    const answer = parseAnswer(whole)
    connection.received = answer === undefined ? whole : undefined
    if (answer === undefined) return
    const { done } = connection
    connection.done = undefined
    if (answer.closes) connection.socket.destroy()
    else release(connection)
    done?.(answer)
  }

  function release(connection: Connection): void {
    const next = waiting.shift()
    if (next !== undefined) return write(connection, next)
    connection.idleSince = performance.now()
    idle.push(connection)
  }

  function remove(connection: Connection): void {
    open.delete(connection)
    const place = idle.indexOf(connection)
    if (place !== -1) idle.splice(place, 1)
    connection.done?.(noAnswer)
    const next = waiting.shift()
    if (next !== undefined) write(connectOne(), next)
  }

  function takeIdle(): Connection | undefined {
    const latest = idle.pop()
    if (latest === undefined || performance.now() - latest.idleSince < mostIdleMs) return latest
    for (const { socket } of [latest, ...idle.splice(0)]) socket.destroy()
    return undefined
  }

  return {
    send(done) {
      const connection = takeIdle() ?? (open.size < mostConnections ? connectOne() : undefined)
      if (connection === undefined) waiting.push(done)
      else write(connection, done)
    },
    close() {
      clearInterval(sweep)
      for (const { socket } of open) socket.destroy()
    },
  }
}

function render({ host, pathname, key, body }: { host: string; pathname: string; key: string | undefined; body: string }): Buffer {
  const lines = [
    `POST ${pathname} HTTP/1.1`,
    `host: ${host}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    ...(key === undefined ? [] : [`authorization: Bearer ${key}`]),
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`)
}
