import { decompress as unzstdRaw, isLoaded } from '@foxglove/wasm-zstd'
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { createTestGateway } from '../testing/test-gateway.ts'
import { path as inferPath, good as goodInfer, withBinary } from '../testing/v2-requests.ts'
import { chooseEncoding } from './accept-encoding.ts'

const predictPath = '/v1/models/parcel-delay/predict'
const good = { entities: { depot: 'BER' }, anchor: 'sent', features: { weight: 30 } }
const many = { instances: Array.from({ length: 20 }, () => good) }
const decoders: Record<string, (bytes: Uint8Array) => Uint8Array> = {
  gzip: gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
  zstd: (bytes) => unzstdRaw(bytes, 1024 * 1024),
}

beforeAll(() => isLoaded)

const bytesOf = async (response: Response) => new Uint8Array(await response.arrayBuffer())

describe('an answer over 1 KB', () => {
  it.each(['gzip', 'deflate', 'br', 'zstd'])('is compressed with %s where that is asked for', async (encoding) => {
    const { send } = await createTestGateway()
    const response = await send(predictPath, many, { 'accept-encoding': encoding })
    expect([response.status, response.headers.get('content-encoding')]).toEqual([200, encoding])
    expect(response.headers.get('vary')).toBe('Accept-Encoding')
    const { predictions } = JSON.parse(Buffer.from(decoders[encoding]!(await bytesOf(response))).toString()) as { predictions: unknown[] }
    expect(predictions).toHaveLength(20)
  })

  it.each([undefined, 'identity', '*;q=0', 'snappy', ''])('is not compressed for Accept-Encoding %s', async (header) => {
    const { send } = await createTestGateway()
    const response = await send(predictPath, many, header === undefined ? {} : { 'accept-encoding': header })
    expect([response.headers.get('content-encoding'), response.headers.get('vary')]).toEqual([null, 'Accept-Encoding'])
    expect(await response.json()).toMatchObject({ predictions: expect.any(Array) as unknown })
  })

  it('is compressed on every route that may have one', async () => {
    const { app, send } = await createTestGateway()
    const gzip = { 'accept-encoding': 'gzip' }
    const wrong = { label: 'came_late', request_id: 'r', value_number: 7, event_time: '2001-06-04T12:00:00Z' }
    const answers = [
      ...(await Promise.all(['/openapi.json', '/docs', '/v1/models/parcel-delay'].map((path) => app.request(path, { headers: gzip })))),
      await send('/v1/labels', { labels: Array.from({ length: 30 }, () => wrong) }, gzip),
    ]
    for (const response of answers) {
      expect(response.headers.get('content-encoding')).toBe('gzip')
      expect(gunzipSync(await bytesOf(response)).byteLength).toBeGreaterThan(1024)
    }
  })

  it('is the same under an Idempotency-Key, however it is asked for', async () => {
    const { send } = await createTestGateway()
    const key = { 'idempotency-key': 'k-1' }
    const plain = await (await send(predictPath, many, key)).text()
    const replayed = await send(predictPath, many, { ...key, 'accept-encoding': 'br' })
    expect(replayed.headers.get('idempotency-replayed')).toBe('true')
    expect(Buffer.from(brotliDecompressSync(await bytesOf(replayed))).toString()).toBe(plain)
  })

  it('names both headers that it varies by, for pages of other origins', async () => {
    const origin = 'https://app.example.com'
    const { send } = await createTestGateway({ corsOrigins: [origin] })
    const response = await send(predictPath, many, { 'accept-encoding': 'gzip', origin })
    expect(response.headers.get('vary')?.split(', ').toSorted()).toEqual(['Accept-Encoding', 'Origin'])
  })

  it('has no body for HEAD, and is not compressed for it', async () => {
    const { app } = await createTestGateway()
    const response = await app.request('/openapi.json', { method: 'HEAD', headers: { 'accept-encoding': 'gzip' } })
    expect([response.status, response.headers.get('content-encoding'), await response.text()]).toEqual([200, null, ''])
  })
})

it('a small answer is never compressed', async () => {
  const { send, app } = await createTestGateway()
  const answers = [
    await send(predictPath, good, { 'accept-encoding': 'gzip' }),
    await app.request('/livez', { headers: { 'accept-encoding': 'gzip' } }),
  ]
  for (const { headers } of answers) expect([headers.get('content-encoding'), headers.get('vary')]).toEqual([null, null])
})

it('an answer of tensors counts the JSON before them as it is when decompressed', async () => {
  const { send } = await createTestGateway()
  const rows = 300
  const x = { name: 'x', shape: [rows, 2], datatype: 'FP32', parameters: { binary_data_size: rows * 8 } }
  const request = { ...goodInfer, parameters: { anchor: 'sent', binary_data_output: true }, inputs: [x] }
  const { body, headers } = withBinary(
    request,
    Float32Array.from({ length: rows * 2 }, (_, index) => index % 7),
  )
  const plain = await send(inferPath, body, headers)
  const response = await send(inferPath, body, { ...headers, 'accept-encoding': 'deflate' })
  expect(response.headers.get('content-encoding')).toBe('deflate')
  const bytes = Buffer.from(inflateSync(await bytesOf(response)))
  const length = Number(response.headers.get('inference-header-content-length'))
  expect(JSON.parse(bytes.subarray(0, length).toString())).toMatchObject({ outputs: [{ parameters: { binary_data_size: rows * 8 } }] })
  expect(bytes.subarray(length)).toEqual(Buffer.from(await plain.arrayBuffer()).subarray(-rows * 8))
})

it("what Triton's clients do not decompress is not compressed: everything of V2 but inference", async () => {
  const { app } = await createTestGateway()
  for (const path of [
    '/v2',
    '/v2/models/parcel-delay',
    '/v2/models/parcel-delay/config',
    '/v2/models/parcel-delay/stats',
    '/v2/models/none',
  ]) {
    const { headers } = await app.request(path, { headers: { 'accept-encoding': 'gzip, deflate' } })
    expect(headers.get('content-encoding')).toBeNull()
  }
})

describe('Accept-Encoding', () => {
  const size = 4096
  it.each([
    ['gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['x-gzip', 'gzip'],
    ['*', 'br'],
    ['gzip, deflate, br, zstd', 'gzip'],
    ['br;q=0.5, gzip;q=1', 'gzip'],
    ['gzip;q=0.5, br ; q=0.9', 'br'],
    ['gzip;q=0, *', 'br'],
    ['gzip;q=0', undefined],
    ['*;q=0', undefined],
    ['identity;q=0', undefined],
    ['identity;q=0, deflate', 'deflate'],
    ['identity, gzip;q=0.5', undefined],
    ['gzip;q=0.001', 'gzip'],
    ['gzip;q=high', undefined],
    ['compress, gzip ;q=0.8', 'gzip'],
    [', ,', undefined],
    ['', undefined],
    ['snappy', undefined],
    [undefined, undefined],
  ])('%s is answered in %s', (header, encoding) => {
    expect(chooseEncoding(header, size)).toBe(encoding)
  })

  it('never has the event loop compress a large answer', () => {
    expect(chooseEncoding('zstd, gzip;q=0.1', 1024 * 1024)).toBe('gzip')
    expect(chooseEncoding('zstd', 1024 * 1024)).toBeUndefined()
    expect(chooseEncoding('zstd, gzip;q=0.1', size)).toBe('zstd')
  })
})
