import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { createServer } from 'node:http'
import { Hono } from 'hono'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ServiceError } from '../../contracts/errors.ts'
import { exchangeOf } from '../http/exchange-of.ts'
import type { GatewayEnv } from '../http/gateway-env.ts'
import { type Listener, listen } from '../http/listen.ts'
import { createTestGateway } from '../testing/test-gateway.ts'
import { createReply } from './reply.ts'
import { type Predicted } from '../predict/prediction.ts'

const soon = { timeout: 180_000, interval: 5 }
const parcel = { entities: { depot: 'BER' }, anchor: 'sent', features: { weight: 30 } }
const path = '/v1/models/parcel-delay/predict'

describe('a gateway', () => {
  let gateway: Awaited<ReturnType<typeof createTestGateway>>
  let listener: Listener

  beforeEach(async () => {
    gateway = await createTestGateway()
    listener = await listen(gateway.app.fetch, { host: '127.0.0.1', port: 0 })
  })
  afterEach(() => listener.close({ withinMs: 100 }))

  const post = (body: unknown, to = path, headers: Record<string, string> = {}) =>
    fetch(listener.url + to, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) })

  function open(body: unknown, key?: string): Socket {
    const socket = connect(Number(new URL(listener.url).port), '127.0.0.1')
    const text = JSON.stringify(body)
    socket.on('error', () => undefined)
    const named = key === undefined ? '' : `Idempotency-Key: ${key}\r\n`
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${named}Content-Length: ${text.length}\r\n\r\n${text}`,
    )
    return socket
  }

  const served = () => gateway.log.inLane('predictions').filter(({ kind, body }) => kind === 'event' && body['route'] !== 'shadow')
  const told = () => gateway.log.inLane('predictions').flatMap(({ kind, body }) => (kind === 'fate' ? [body] : []))
  const settled = () => gateway.log.eventLog.settlement('predictions')
  /** Waits until the outcome of all is known: the next append would carry it. */
  const untilKnown = async () => {
    await expect
      .poll(async () => (await gateway.fates.append([], { durability: 'disk' }), settled().through === settled().last), soon)
      .toBe(true)
  }

  it('says of what it answered that it did, without a record', async () => {
    expect((await post(parcel)).status).toBe(200)
    expect((await post({ instances: [parcel, { ...parcel, features: { weight: 3 } }] })).status).toBe(200)
    await untilKnown()
    expect(served()).toHaveLength(3)
    expect(told()).toEqual([])
  })

  it('says of what was late in the commit that nobody was told', async () => {
    gateway.log.hold()
    const response = await post({ instances: [parcel, parcel], options: { timeout_ms: 60 } })
    expect(response.status).toBe(504)
    gateway.log.release()
    await untilKnown()
    expect(served().map(({ body }) => body['status'])).toEqual(['ok', 'ok'])
    const ids = served().map(({ id }) => id)
    expect(told()).toMatchObject(ids.map((id) => ({ prediction_id: id, fate: 'unanswered', reason: 'deadline' })))
  })

  it('says so too of a client that was gone before', async () => {
    gateway.log.hold()
    const socket = open(parcel)
    await once(socket, 'connect')
    // The commit is under way once the model has run.
    await expect.poll(() => gateway.engine.runs.length, soon).toBeGreaterThan(0)
    socket.resetAndDestroy()
    await expect.poll(() => gateway.admission.inFlight, soon).toBe(1)
    setTimeout(() => gateway.log.release(), 50)
    await untilKnown()
    expect(told()).toMatchObject([{ prediction_id: served()[0]!.id, fate: 'unanswered', reason: 'client_gone' }])
  })

  it('is not deceived by an answer that is written into a connection that is gone', async () => {
    const { run } = gateway.engine.inference
    gateway.engine.inference.run = (request) => {
      // Nothing is seen of the reset meanwhile: the answer is written first, and fails.
      for (const until = performance.now() + 700; performance.now() < until;);
      return run(request)
    }
    const text = JSON.stringify({ ...parcel, options: { timeout_ms: 200 } })
    const script = `const s = require('node:net').connect(${new URL(listener.url).port}, '127.0.0.1', () => {
      s.write('POST ${path} HTTP/1.1\\r\\nHost: x\\r\\nContent-Type: application/json\\r\\nContent-Length: ${text.length}\\r\\n\\r\\n' + ${JSON.stringify(text)})
      setTimeout(() => s.resetAndDestroy(), 100)
    })`
    await once(spawn(process.execPath, ['-e', script], { stdio: 'inherit' }), 'exit')
    await expect.poll(() => served().length, soon).toBe(1)
    await untilKnown()
    expect(told()).toMatchObject([{ fate: 'unanswered', reason: 'client_gone' }])
  })

  it('says that an error was answered where the prediction ended with it, and else that it was not', async () => {
    gateway.engine.inference.run = () => Promise.reject(new ServiceError('inference_failed', 'the test says so'))
    expect((await post(parcel)).status).toBe(500)
    await untilKnown()
    expect(served().map(({ body }) => body['error_code'])).toEqual(['inference_failed'])
    expect(told()).toEqual([])
  })

  it('says why a key that could not be completed was not answered, and that its replay delivered it, once', async () => {
    gateway.keys.fail('complete')
    expect((await post(parcel, path, { 'idempotency-key': 'k' })).status).toBe(503)
    gateway.keys.heal()
    await untilKnown()
    const { id } = served()[0]!
    expect(told()).toMatchObject([{ prediction_id: id, fate: 'unanswered', reason: 'error' }])
    await expect.poll(async () => (await post(parcel, path, { 'idempotency-key': 'k' })).status, soon).toBe(200)
    await Promise.all(Array.from({ length: 20 }, () => post(parcel, path, { 'idempotency-key': 'k' })))
    await untilKnown()
    await gateway.background.settled()
    await Promise.all(Array.from({ length: 20 }, () => post(parcel, path, { 'idempotency-key': 'k' })))
    await untilKnown()
    expect(told().slice(1)).toMatchObject([{ prediction_id: id, fate: 'delivered' }])
  })

  const cancelled = { statuses: ['error', 'ok'], fates: ['unanswered'] }
  const replayed = { statuses: ['ok'], fates: ['unanswered', 'delivered'] }

  it.each([
    ['claim', cancelled],
    ['prepare', replayed],
    ['complete', replayed],
  ] as const)('has one answer under a key whose client hung up at the %s and asked again', async (call, { statuses, fates }) => {
    const release = gateway.keys.holdNext(call)
    const socket = open(parcel, 'k')
    await expect.poll(() => gateway.keys.calls.map((each) => each.call), soon).toContain(call)
    socket.resetAndDestroy()
    await once(socket, 'close')
    // What comes over another connection is read after the reset has been.
    if (call === 'claim') expect((await post(parcel)).status).toBe(200)
    else expect((await post(parcel, path, { 'idempotency-key': 'k' })).status).toBe(409)
    release()
    await expect.poll(async () => (await post(parcel, path, { 'idempotency-key': 'k' })).status, soon).toBe(200)
    await gateway.background.settled()
    await untilKnown()
    const keyed = served().filter(({ body }) => body['idempotency_key'] === 'k')
    expect(keyed.map(({ body }) => body['status'])).toEqual(statuses)
    expect(told()).toMatchObject(fates.map((fate) => ({ prediction_id: keyed[0]!.id, fate })))
  })

  it('needs no record for the replay of what was answered', async () => {
    for (const key of ['k', 'k', 'k']) {
      expect((await post(parcel, path, { 'idempotency-key': key })).status).toBe(200)
      await gateway.background.settled()
    }
    await untilKnown()
    expect(told()).toEqual([])
    expect(served()).toHaveLength(1)
  })

  it('counts a V2 answer of many rows as one: all of it or nothing', async () => {
    const rows = { inputs: [{ name: 'x', datatype: 'FP32', shape: [3, 2], data: [1, 2, 3, 4, 5, 6] }] }
    gateway.log.hold()
    const late = await post({ ...rows, parameters: { timeout_ms: 60, anchor: 'sent' } }, '/v2/models/parcel-delay/infer')
    gateway.log.release()
    await untilKnown()
    expect(late.status).toBe(504)
    expect(told()).toHaveLength(3)
    expect(new Set(told().map(({ reason }) => reason))).toEqual(new Set(['deadline']))
  })

  it('has nothing to say of shadows', async () => {
    expect((await post(parcel)).status).toBe(200)
    await gateway.background.settled()
    await untilKnown()
    expect(gateway.log.inLane('predictions').length).toBeGreaterThan(served().length)
    expect(told()).toEqual([])
  })
})

/** The size of an answer that is far larger than the kernel buffers of a connection. */
const largeBytes = 48 * 1024 * 1024

describe('an answer too large for the kernel at once', () => {
  const outcomes: string[] = []
  let url: URL
  let server: ReturnType<typeof createServer>
  beforeEach(async () => {
    outcomes.length = 0
    const app = new Hono<GatewayEnv>()
    app.get('/large', (c) => {
      const fates = {
        answered: () => void outcomes.push('answered'),
        unanswered: (_: unknown, __: unknown, why: string) => void outcomes.push(why),
      }
      const origin = { writer_id: 'w', epoch: 1, lane: 'predictions' as const, seq: 1 }
      createReply(exchangeOf(c), fates)?.committed([{ event: {} } as Predicted], [origin])
      return c.body(new Uint8Array(largeBytes), 200)
    })
    server = createServer(getRequestListener(app.fetch)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = new URL(`http://127.0.0.1:${(server.address() as { port: number }).port}`)
  })
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  async function get(times = 1): Promise<Socket> {
    const socket = connect(Number(url.port), url.hostname)
    socket.on('error', () => undefined).pause()
    for (let left = times; left > 0; left--) socket.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(socket, 'connect')
    await new Promise((resolve) => setTimeout(resolve, 200))
    return socket
  }

  it('is answered when a slow client has let the last byte go, and not before', async () => {
    const socket = await get()
    expect(outcomes).toEqual([])
    let bytes = 0
    socket.on('data', (chunk) => (bytes += chunk.length)).resume()
    await expect.poll(() => outcomes, soon).toEqual(['answered'])
    await expect.poll(() => bytes, soon).toBeGreaterThanOrEqual(largeBytes)
    socket.destroy()
  })

  it.each(['destroy', 'resetAndDestroy'] as const)('is not answered when the client goes in the middle: %s', async (leave) => {
    const socket = await get()
    socket[leave]()
    await expect.poll(() => outcomes, soon).toEqual(['client_gone'])
  })

  it('is not answered when the server cuts it, nor is what waits behind it on the connection', async () => {
    const socket = await get(2)
    server.closeAllConnections()
    await expect.poll(() => outcomes, soon).toEqual(['client_gone', 'client_gone'])
    socket.destroy()
  })
})
