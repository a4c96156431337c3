import { createServer } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { acceptFaster } from './accept-faster.ts'

const clients: Socket[] = []
afterEach(() => clients.splice(0).forEach((client) => client.destroy()))

test('clients that connect at once are accepted in a few turns of a busy event loop', async () => {
  const { server, port, close } = await start()
  let turns = 0
  const turn = () => void (turns++, (next = setImmediate(turn)))
  let next = setImmediate(turn)
  const accepted = new Promise<number>((resolve) => {
    let count = 0
    server.on('connection', () => ++count === 160 && resolve(turns))
  })
  const sockets = Array.from({ length: 160 }, () => open(port))
  turns = 0
  // All clients connect while the event loop is held.
  blockFor(200)
  expect(await accepted).toBeLessThan(100)
  clearImmediate(next)
  for (const socket of sockets) socket.destroy()
  await close()
})

test('a connection is answered whichever copy took it, and whether its client has ended its half', async () => {
  const { port, close } = await start()
  const answers = await Promise.all(
    Array.from({ length: 64 }, async () => {
      const socket = open(port)
      socket.end('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
      let text = ''
      socket.on('data', (chunk) => (text += String(chunk)))
      await once(socket, 'end')
      return text
    }),
  )
  expect(answers.filter((text) => text.startsWith('HTTP/1.1 200 OK') && text.endsWith('hello'))).toHaveLength(64)
  await close()
})

test('connections that come meanwhile and stay are answered, and held up by nothing', async () => {
  const server = createServer({ keepAliveTimeout: 600_000 }, (_, response) => response.end('hello'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const answers: Promise<unknown>[] = []
  const connecting = setInterval(() => {
    if (answers.length === 200) return
    const socket = open(port)
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    answers.push(once(socket, 'data'))
  }, 1)
  const closeCopies = await acceptFaster(server)
  clearInterval(connecting)
  expect(answers.length).toBeGreaterThan(10)
  await Promise.all(answers)
  for (const client of clients) client.destroy()
  await Promise.all([new Promise((resolve) => server.close(resolve)), closeCopies()])
})

test('closed, nobody listens any more', async () => {
  const { port, close } = await start()
  await close()
  const [error] = (await once(open(port), 'error')) as [NodeJS.ErrnoException]
  expect(error.code).toBe('ECONNREFUSED')
})

async function start() {
  const server = createServer((_, response) => response.end('hello'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const closeCopies = await acceptFaster(server)
  const close = async () => {
    await Promise.all([new Promise((resolve) => server.close(resolve)), closeCopies()])
  }
  return { server, port: (server.address() as AddressInfo).port, close }
}

function open(port: number): Socket {
  const socket = connect(port, '127.0.0.1')
  clients.push(socket)
  return socket
}

function blockFor(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}
