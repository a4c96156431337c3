import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { predictLimits } from '../../contracts/http.ts'
import { type Listener, listen } from '../http/listen.ts'
import { createTestAccess, createTestKey } from '../testing/test-access.ts'
import { createTestGateway } from '../testing/test-gateway.ts'

const path = '/v1/models/parcel-delay/predict'
const origin = 'https://app.example.com'
const parcel = JSON.stringify({ entities: { depot: 'BER' }, anchor: 'sent', features: { weight: 30 } })
const soon = { timeout: 180_000, interval: 5 }

let gateway: Awaited<ReturnType<typeof createTestGateway>>
let listener: Listener
let way: 'first' | 'by Hono'
const sockets: Socket[] = []

async function start(chosen: typeof way, options: Parameters<typeof createTestGateway>[0] = {}): Promise<void> {
  way = chosen
  gateway = await createTestGateway({ corsOrigins: [origin], ...options })
  const { fetch, first } = gateway.app
  listener = await listen(fetch, { host: '127.0.0.1', port: 0, ...(way === 'first' && { first }) })
}
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await listener.close({ withinMs: 1_000 })
})

/** A connection, and what came on it, in its pieces. */
async function open(): Promise<{ socket: Socket; pieces: string[]; text: () => string }> {
  const socket = connect(Number(new URL(listener.url).port), '127.0.0.1')
  sockets.push(socket)
  const pieces: string[] = []
  socket.on('error', () => undefined).on('data', (chunk) => pieces.push(String(chunk)))
  await once(socket, 'connect')
  return { socket, pieces, text: () => pieces.join('') }
}

const request = (body: string, headers: readonly string[] = [], version = '1.1') =>
  [`POST ${path} HTTP/${version}`, 'Host: x', 'Content-Type: application/json', ...headers, '', body].join('\r\n')
const whole = (body: string, headers: readonly string[] = [], version?: string) =>
  request(body, [...headers, `Content-Length: ${Buffer.byteLength(body)}`], version)

const statusesIn = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status))
const idsIn = (text: string) => [...text.matchAll(/^X-Request-Id: (.*)\r$/gm)].map(([, id]) => id)

describe.each(['first', 'by Hono'] as const)('%s', (each) => {
  beforeEach(() => start(each))

  describe('on a connection of its own', () => {
    it('an answer leaves in one piece, with all headers of every answer', async () => {
      const { socket, pieces, text } = await open()
      socket.write(whole(parcel, [`Origin: ${origin}`, 'X-Request-Id: ours']))
      await expect.poll(() => text().endsWith('}'), soon).toBe(true)
      expect(pieces).toHaveLength(1)
      const [head = '', body = ''] = text().split('\r\n\r\n')
      expect(head.split('\r\n')[0]).toBe('HTTP/1.1 200 OK')
      for (const header of [
        'X-Content-Type-Options: nosniff',
        'X-Frame-Options: DENY',
        'Cache-Control: no-store',
        'X-Request-Id: ours',
        'Content-Type: application/json',
        `Content-Length: ${Buffer.byteLength(body)}`,
        `Access-Control-Allow-Origin: ${origin}`,
        'Vary: Origin',
      ])
        expect(head.split('\r\n')).toContain(header)
      expect(head).not.toContain('Connection: close')
      expect(JSON.parse(body)).toMatchObject({ request_id: 'ours', status: 'ok' })
    })

    it('a body may come in pieces, with its length or without', async () => {
      const { socket, text } = await open()
      const text1 = whole(parcel)
      for (let at = 0; at < text1.length; at += 40) {
        socket.write(text1.slice(at, at + 40))
        await new Promise((resolve) => setImmediate(resolve))
      }
      await expect.poll(() => statusesIn(text()), soon).toEqual([200])
      socket.write(request(`${Buffer.byteLength(parcel).toString(16)}\r\n${parcel}\r\n0\r\n\r\n`, ['Transfer-Encoding: chunked']))
      await expect.poll(() => statusesIn(text()), soon).toEqual([200, 200])
    })

    it('requests that come one behind the other are answered in their order', async () => {
      const { socket, text } = await open()
      const ids = Array.from({ length: 20 }, (_, index) => `r${index}`)
      socket.write(ids.map((id, index) => whole(index % 3 === 2 ? '{}' : parcel, [`X-Request-Id: ${id}`])).join(''))
      await expect.poll(() => idsIn(text()), soon).toEqual(ids)
      expect(statusesIn(text())).toEqual(ids.map((_, index) => (index % 3 === 2 ? 400 : 200)))
    })

    it('a client that waits to be asked for its body is asked', async () => {
      const { socket, text } = await open()
      socket.write(request('', ['Expect: 100-continue', `Content-Length: ${parcel.length}`]))
      await expect.poll(() => statusesIn(text()), soon).toEqual([100])
      socket.write(parcel)
      await expect.poll(() => statusesIn(text()), soon).toEqual([100, 200])
    })

    it('an old client has its answer, and the end of its connection', async () => {
      const { socket, text } = await open()
      socket.write(whole(parcel, [], '1.0'))
      await once(socket, 'end')
      expect(statusesIn(text())).toEqual([200])
      expect(text()).toContain('Connection: close')
    })

    it('each is asked to end when the gateway drains', async () => {
      gateway.closing.enter('draining')
      const { socket, text } = await open()
      socket.write(whole(parcel))
      await once(socket, 'end')
      expect([statusesIn(text()), text().includes('Connection: close')]).toEqual([[200], true])
    })
  })

  describe('what is refused before its body is read', () => {
    it.each([
      ['an unknown model', (text: string) => text.replace('parcel-delay', 'parcels'), 404],
      ['a type that is not taken', (text: string) => text.replace('application/json', 'text/plain'), 415],
    ])('%s leaves the connection to the next request', async (_, change, status) => {
      const { socket, text } = await open()
      socket.write(change(whole(`"${'x'.repeat(100_000)}"`)))
      await expect.poll(() => statusesIn(text()), soon).toEqual([status])
      socket.write(whole(parcel))
      await expect.poll(() => statusesIn(text()), soon).toEqual([status, 200])
    })

    it('a body that says it is too large, and one that turns out to be', async () => {
      const large = 'x'.repeat(predictLimits.bodyBytes + 1)
      for (const headers of [[`Content-Length: ${large.length}`], ['Transfer-Encoding: chunked']]) {
        const { socket, text } = await open()
        socket.write(request('', headers))
        socket.write(headers[0]!.startsWith('C') ? large : `${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`)
        await expect.poll(() => statusesIn(text()), soon).toEqual([413])
        socket.write(whole(parcel))
        await expect.poll(() => statusesIn(text()), soon).toEqual([413, 200])
      }
    })

    it('two Authorization headers are no key, although one of them is', async () => {
      await listener.close({ withinMs: 1_000 })
      const { key, authorization } = createTestKey({ scopes: ['predict'] })
      await start(each, { access: createTestAccess({ keys: [key] }) })
      const { socket, text } = await open()
      socket.write(whole(parcel, [`Authorization: ${authorization}`]))
      await expect.poll(() => statusesIn(text()), soon).toEqual([200])
      socket.write(whole(parcel, [`Authorization: ${authorization}`, 'Authorization: Bearer other']))
      await expect.poll(() => statusesIn(text()), soon).toEqual([200, 401])
      expect(text()).toContain('WWW-Authenticate: Bearer')
    })
  })

  describe('a client that goes', () => {
    it.each(['destroy', 'resetAndDestroy'] as const)('in the middle of its body gives back all that it held: %s', async (leave) => {
      const { socket } = await open()
      socket.write(request(parcel.slice(0, 20), [`Content-Length: ${parcel.length}`]))
      await expect.poll(() => gateway.admission.inFlight, soon).toBe(1)
      socket[leave]()
      await expect.poll(() => gateway.admission.inFlight, soon).toBe(0)
      expect(gateway.log.appended).toEqual([])
    })

    it('before its answer harms none that follows on another connection', async () => {
      gateway.log.hold()
      const { socket } = await open()
      const before = gateway.engine.runs.length
      socket.write(whole(parcel))
      await expect.poll(() => gateway.engine.runs.length, soon).toBeGreaterThan(before)
      socket.destroy()
      gateway.log.release()
      await expect.poll(() => gateway.admission.inFlight, soon).toBe(0)
      const next = await open()
      next.socket.write(whole(parcel))
      await expect.poll(() => statusesIn(next.text()), soon).toEqual([200])
    })
  })

  describe('a request that would be late', () => {
    const full = { expectedWaitMs: () => 10_000, begin: () => () => {}, refuse: () => {} }

    it('is refused whatever it asks for, with its body behind it, and the connection goes on', async () => {
      await listener.close({ withinMs: 1_000 })
      await start(each, { loopLoad: full })
      const { socket, text } = await open()
      socket.write(whole(parcel, ['X-Request-Id: one']) + whole('no JSON', ['X-Request-Id: two']))
      await expect.poll(() => statusesIn(text()), soon).toEqual([503, 503])
      socket.write(whole(parcel, ['X-Request-Id: three']))
      await expect.poll(() => statusesIn(text()), soon).toEqual([503, 503, 503])
      expect(idsIn(text())).toEqual(['one', 'two', 'three'])
      expect(text()).toContain('Retry-After: 1')
      expect(text()).toContain('"code":"overloaded"')
      expect([gateway.log.appended, gateway.admission.inFlight]).toEqual([[], 0])
    })

    it('is told what is wrong with its key first', async () => {
      await listener.close({ withinMs: 1_000 })
      const [reader, predictor] = [createTestKey({ key_id: 'bbcdefghjkmn', scopes: ['read'] }), createTestKey()]
      await start(each, { loopLoad: full, access: createTestAccess({ keys: [reader.key, predictor.key] }) })
      const { socket, text } = await open()
      socket.write(whole(parcel) + whole(parcel, [`Authorization: ${reader.authorization}`]))
      socket.write(whole(parcel, [`Authorization: ${predictor.authorization}`]))
      await expect.poll(() => statusesIn(text()), soon).toEqual([401, 403, 503])
    })
  })
})
