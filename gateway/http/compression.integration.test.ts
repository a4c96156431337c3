import { once } from 'node:events'
import { request, type IncomingMessage, type RequestOptions } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { brotliDecompressSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createTestGateway } from '../testing/test-gateway.ts'
import { type Listener, listen } from './listen.ts'

const predictPath = '/v1/models/parcel-delay/predict'
const good = { entities: { depot: 'BER' }, anchor: 'sent', features: { weight: 30 } }
const zipped = gzipSync(JSON.stringify(good))
const json = { 'content-type': 'application/json' }

let listener: Listener
let finished: number

beforeEach(async () => {
  const { app } = await createTestGateway({ definition: { latency_budget_ms: 15_000 } })
  finished = 0
  const fetch = (incoming: Request, env: { outgoing: NodeJS.EventEmitter }) => {
    env.outgoing.once('finish', () => finished++)
    return app.fetch(incoming, env as never)
  }
  listener = await listen(fetch as never, { host: '127.0.0.1', port: 0 })
})
afterEach(() => listener.close({ withinMs: 100 }))

async function exchange(options: RequestOptions, chunks: readonly Uint8Array[] = []): Promise<{ answer: IncomingMessage; body: Buffer }> {
  const outgoing = request(new URL(options.path ?? '/', listener.url), { agent: false, ...options })
  if (options.headers !== undefined && 'expect' in options.headers) {
    outgoing.flushHeaders()
    await once(outgoing, 'continue')
  }
  for (const chunk of chunks) outgoing.write(chunk)
  outgoing.end()
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  return { answer, body: await buffer(answer) }
}

const post = (headers: RequestOptions['headers'], ...chunks: Uint8Array[]) =>
  exchange({ path: predictPath, method: 'POST', headers: { ...json, ...(headers as Record<string, string>) } }, chunks)

it.each<[string, Record<string, string | string[]>]>([
  ['of a length that is said', { 'content-length': String(zipped.byteLength) }],
  ['in chunks', { 'transfer-encoding': 'chunked' }],
  ['that waits to be asked for', { expect: '100-continue', 'content-length': String(zipped.byteLength) }],
])('takes a compressed body %s', async (_, headers) => {
  const { answer } = await post({ ...headers, 'content-encoding': 'gzip' } as never, zipped.subarray(0, 20), zipped.subarray(20))
  expect(answer.statusCode).toBe(200)
})

it('reads a header that comes twice as one list', async () => {
  const twice = { 'content-encoding': ['identity', 'gzip'], 'content-length': String(zipped.byteLength) }
  expect((await post(twice as never, zipped)).answer.statusCode).toBe(200)
})

it('stops at a bomb that comes in chunks, and at one that says its length', async () => {
  const bomb = gzipSync(Buffer.alloc(32 * 1024 * 1024))
  expect((await post({ 'content-encoding': 'gzip' }, bomb)).answer.statusCode).toBe(413)
  expect((await post({ 'content-encoding': 'gzip', 'content-length': String(bomb.byteLength) }, bomb)).answer.statusCode).toBe(413)
})

it('refuses an encoding that it does not know before it asks for the body', async () => {
  const outgoing = request(new URL(predictPath, listener.url), {
    method: 'POST',
    agent: false,
    headers: { ...json, 'content-encoding': 'lzma', 'content-length': '100000' },
  })
  outgoing.on('error', () => undefined)
  outgoing.flushHeaders()
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  outgoing.destroy()
  expect([answer.statusCode, answer.headers['accept-encoding']]).toEqual([415, 'gzip, deflate, br, zstd'])
})

it('says how long a compressed answer is, sends all of it, and finishes it once', async () => {
  const many = Buffer.from(JSON.stringify({ instances: Array.from({ length: 50 }, () => good) }))
  const { answer, body } = await post({ 'accept-encoding': 'br', 'content-length': String(many.byteLength) }, many)
  expect(answer.headers).toMatchObject({ 'content-encoding': 'br', 'content-length': String(body.byteLength), vary: 'Accept-Encoding' })
  expect(JSON.parse(brotliDecompressSync(body).toString())).toMatchObject({
    predictions: expect.objectContaining({ length: 50 }) as unknown,
  })
  expect(answer.headers['x-request-id']).toBeDefined()
  await expect.poll(() => finished).toBe(1)
})

it('answers HEAD without a body, and OPTIONS as any method that is not there', async () => {
  const head = await exchange({ path: '/openapi.json', method: 'HEAD', headers: { 'accept-encoding': 'gzip' } })
  expect([head.answer.statusCode, head.answer.headers.vary, head.body.byteLength]).toEqual([200, 'Accept-Encoding', 0])
  const options = await exchange({ path: predictPath, method: 'OPTIONS', headers: { 'content-encoding': 'gzip' } })
  expect([options.answer.statusCode, options.answer.headers.allow]).toEqual([405, 'POST'])
})

it('does not look at the encoding of a GET', async () => {
  expect((await exchange({ path: '/v1/models', headers: { 'content-encoding': 'gzip' } })).answer.statusCode).toBe(200)
})
