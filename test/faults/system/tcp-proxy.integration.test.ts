import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'
import { until } from './until.ts'

let echo: Server
let proxy: TcpProxy
let near: Socket
let heard = ''
const far = new Set<Socket>()

beforeEach(async () => {
  heard = ''
  echo = createServer((socket) => {
    far.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => far.delete(socket))
    socket.pipe(socket)
  }).listen(0, '127.0.0.1')
  await once(echo, 'listening')
  proxy = await startTcpProxy((echo.address() as AddressInfo).port)
  near = connect(proxy.port, '127.0.0.1')
  near.on('error', () => undefined)
  near.on('data', (chunk: Buffer) => (heard += chunk.toString()))
  near.write('a')
  await until('the echo comes back', 5_000, () => heard === 'a')
})
afterEach(async () => {
  near.destroy()
  await proxy.close()
  echo.close()
})

test('hold: nothing moves and nothing is closed; then all of it arrives', async () => {
  proxy.set('hold')
  near.write('b')
  await wait(100)
  expect({ heard, closed: near.destroyed, far: far.size }).toEqual({ heard: 'a', closed: false, far: 1 })
  proxy.set('pass')
  await expect.poll(() => heard).toBe('ab')
})

test('drop: connections are cut, and new ones too until the link is mended', async () => {
  const closed = closeOf(near)
  proxy.set('drop')
  await closed
  const second = connect(proxy.port, '127.0.0.1')
  const [error] = (await once(second, 'error')) as [NodeJS.ErrnoException]
  expect(error.code).toBe('ECONNRESET')
})

test('half open: the far end is gone, the near end hears of it only when it speaks after the link is mended', async () => {
  proxy.set('half_open')
  await expect.poll(() => far.size).toBe(0)
  near.write('b')
  await wait(100)
  expect({ heard, closed: near.destroyed }).toEqual({ heard: 'a', closed: false })
  proxy.set('pass')
  await wait(50)
  expect(near.destroyed).toBe(false)
  const failed = closeOf(near)
  near.write('c')
  await failed
  expect(heard).toBe('a')
})

test('a delay: what is said arrives, in order, so much later', async () => {
  proxy.set({ delayMs: 60 })
  const startedAt = performance.now()
  near.write('b')
  await expect.poll(() => heard).toBe('ab')
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(118)
})

function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()))
}
