import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { errorBody, predictLimits } from '../../contracts/http.ts'
import { describe, expect, it } from 'vitest'
import { type ErrorCode, errorCodes } from '../../contracts/errors.ts'
import { compressZstd } from '../../platform/compression/zstd.ts'
import { createTestGateway } from '../testing/test-gateway.ts'
import { path as inferPath, good as goodInfer, withBinary, x } from '../testing/v2-requests.ts'

const predictPath = '/v1/models/parcel-delay/predict'
const good = { entities: { depot: 'BER' }, anchor: 'sent', features: { weight: 30 } }
const json = Buffer.from(JSON.stringify(good))

/** The last eight bytes of gzip are CRC and length. */
function withOtherChecksum(gzip: Buffer): Buffer {
  return Buffer.concat([gzip.subarray(0, -8), Buffer.alloc(4), gzip.subarray(-4)])
}

async function outcome(response: Response): Promise<number | ErrorCode> {
  if (response.status < 300) return response.status
  const { error } = errorBody.parse(await response.json())
  expect(response.status).toBe(errorCodes[error.code].status)
  return error.code
}

describe('a compressed body', () => {
  it.each<[string, string, Uint8Array | Promise<Uint8Array>]>([
    ['gzip', 'gzip', gzipSync(json)],
    ['gzip in upper case', 'GZip', gzipSync(json)],
    ['gzip by its old name', 'x-gzip', gzipSync(json)],
    ['gzip in two members', 'gzip', Buffer.concat([gzipSync(json.subarray(0, 9)), gzipSync(json.subarray(9))])],
    ['deflate with the header of zlib', 'deflate', deflateSync(json)],
    ['deflate without it', 'deflate', deflateRawSync(json)],
    ['br', 'br', brotliCompressSync(json)],
    ['zstd', 'zstd', compressZstd(json)],
    ['two in a row', 'gzip, br', brotliCompressSync(gzipSync(json))],
    ['three in a row, with spaces and identity', ' deflate ,identity,gzip,  br', brotliCompressSync(gzipSync(deflateSync(json)))],
    ['identity', 'identity', json],
    ['identity in upper case', 'IDENTITY', json],
    ['an empty header', '', json],
    ['gzip behind a byte order mark', 'gzip', gzipSync(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), json]))],
  ])('in %s is read', async (_, encoding, body) => {
    const { send, log } = await createTestGateway()
    const response = await send(predictPath, await body, { 'content-encoding': encoding })
    expect(await outcome(response)).toBe(200)
    expect(log.inLane('predictions')[0]?.body).toMatchObject({ features: [{ name: 'weight', value: 30 }, {}] })
  })

  it.each<[string, string, Uint8Array, ErrorCode]>([
    ['plain JSON that says gzip', 'gzip', json, 'invalid_encoding'],
    ['plain JSON that says br', 'br', json, 'invalid_encoding'],
    ['plain JSON that says zstd', 'zstd', json, 'invalid_encoding'],
    ['gzip that says deflate', 'deflate', gzipSync(json), 'invalid_encoding'],
    ['gzip cut short', 'gzip', gzipSync(json).subarray(0, -6), 'invalid_encoding'],
    ['gzip with its checksum changed', 'gzip', withOtherChecksum(gzipSync(json)), 'invalid_encoding'],
    ['bytes behind the end', 'deflate', Buffer.concat([deflateSync(json), Buffer.from('{}')]), 'invalid_encoding'],
    ['the encodings in the wrong order', 'br, gzip', brotliCompressSync(gzipSync(json)), 'invalid_encoding'],
    ['compressed once less than said', 'gzip, gzip', gzipSync(json), 'invalid_encoding'],
    ['gzip of nothing', 'gzip', gzipSync(''), 'invalid_json'],
    ['nothing at all', 'gzip', new Uint8Array(), 'invalid_json'],
    ['an encoding that nobody knows', 'lzma', json, 'unsupported_encoding'],
    ['compress', 'compress', json, 'unsupported_encoding'],
    ['a charset', 'utf-8', json, 'unsupported_encoding'],
    ['one known and one not', 'gzip, aws-chunked', gzipSync(json), 'unsupported_encoding'],
    ['too many in a row', 'gzip, gzip, gzip, gzip', json, 'unsupported_encoding'],
    ['UTF-16 within', 'gzip', gzipSync(Buffer.from(`\ufeff${json.toString()}`, 'utf16le')), 'invalid_json'],
  ])('is refused: %s', async (_, encoding, body, code) => {
    const { send, log } = await createTestGateway()
    const response = await send(predictPath, body, { 'content-encoding': encoding })
    const acceptEncoding = response.headers.get('accept-encoding')
    expect(await outcome(response)).toBe(code)
    expect(acceptEncoding).toBe(code === 'unsupported_encoding' ? 'gzip, deflate, br, zstd' : null)
    expect(log.appended).toEqual([])
  })

  it('that is no JSON says nothing of encodings', async () => {
    const { send } = await createTestGateway()
    const response = await send(predictPath, 'a=1', { 'content-type': 'application/x-www-form-urlencoded', 'content-encoding': 'gzip' })
    expect([response.status, response.headers.get('accept-encoding')]).toEqual([415, null])
  })

  it('has the limit of any body, before it is decompressed and after', async () => {
    const { send } = await createTestGateway()
    const padded = (bytes: number) => Buffer.concat([json, Buffer.alloc(bytes - json.byteLength, ' ')])
    const gzip = { 'content-encoding': 'gzip' }
    expect(await outcome(await send(predictPath, gzipSync(padded(predictLimits.bodyBytes)), gzip))).toBe(200)
    expect(await outcome(await send(predictPath, gzipSync(padded(predictLimits.bodyBytes + 1)), gzip))).toBe('body_too_large')
    const stored = gzipSync(padded(predictLimits.bodyBytes), { level: 0 })
    expect(stored.byteLength).toBeGreaterThan(predictLimits.bodyBytes)
    expect(await outcome(await send(predictPath, stored, gzip))).toBe('body_too_large')
    // A bomb within a bomb.
    const twice = gzipSync(gzipSync(Buffer.alloc(64 * 1024 * 1024)))
    expect(await outcome(await send(predictPath, twice, { 'content-encoding': 'gzip, gzip' }))).toBe('body_too_large')
  })

  it('is read at labels and events', async () => {
    const { send } = await createTestGateway()
    const label = { label: 'came_late', request_id: 'r', value_number: 1, event_time: '2001-06-04T12:00:00Z' }
    const event = { event_id: 'e', keys: { depot: 'BER' }, values: { delay: 3 }, event_time: '2001-06-04T12:00:00Z' }
    for (const [path, body] of [
      ['/v1/labels', label],
      ['/v1/events/scans', event],
    ] as const) {
      const zstd = await compressZstd(Buffer.from(JSON.stringify(body)))
      const response = await send(path, zstd, { 'content-encoding': 'zstd' })
      expect([response.status, await response.json()]).toEqual([202, { accepted: 1, rejected: [] }])
    }
  })

  it('is the same request under an Idempotency-Key as one that is not compressed', async () => {
    const { send } = await createTestGateway()
    const key = { 'idempotency-key': 'k-1' }
    const first = await send(predictPath, json, key)
    const again = await send(predictPath, gzipSync(json), { ...key, 'content-encoding': 'gzip' })
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(await again.text()).toBe(await first.text())
    const other = gzipSync(JSON.stringify({ ...good, features: { weight: 31 } }))
    expect(await outcome(await send(predictPath, other, { ...key, 'content-encoding': 'gzip' }))).toBe('idempotency_mismatch')
  })
})

describe('a compressed infer request', () => {
  const binary = withBinary(
    { ...goodInfer, inputs: [{ ...x, data: undefined, parameters: { binary_data_size: 8 } }] },
    Float32Array.of(30, 45),
  )

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
  ] as const)('in %s is read, and counts the JSON before tensors as it was', async (encoding, compress) => {
    const { send } = await createTestGateway()
    const headers = { 'content-encoding': encoding }
    expect((await send(inferPath, compress(JSON.stringify(goodInfer)), headers)).status).toBe(200)
    const response = await send(inferPath, compress(binary.body), { ...binary.headers, ...headers })
    expect([response.status, await response.json()]).toMatchObject([200, { outputs: [{ data: [0.75] }] }])
  })

  it('is the same under an Idempotency-Key, compressed or not', async () => {
    const { send } = await createTestGateway()
    const key = { 'idempotency-key': 'k-2' }
    await send(inferPath, binary.body, { ...binary.headers, ...key })
    const again = await send(inferPath, gzipSync(binary.body), { ...binary.headers, ...key, 'content-encoding': 'gzip' })
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([200, 'true'])
  })

  it('is refused in the words of the protocol', async () => {
    const { send } = await createTestGateway()
    const cut = await send(inferPath, gzipSync(binary.body).subarray(0, 40), { ...binary.headers, 'content-encoding': 'gzip' })
    expect([cut.status, await cut.json()]).toEqual([400, { error: expect.stringMatching(/^Content-Encoding: .*cut short/) as string }])
    const bomb = gzipSync(Buffer.alloc(predictLimits.bodyBytes + 1))
    expect((await send(inferPath, bomb, { 'content-encoding': 'gzip' })).status).toBe(413)
    const unknown = await send(inferPath, binary.body, { ...binary.headers, 'content-encoding': 'snappy' })
    expect([unknown.status, unknown.headers.get('accept-encoding')]).toEqual([415, 'gzip, deflate, br, zstd'])
  })
})

describe('the type of a body', () => {
  it.each([
    'application/json',
    'application/json; charset="utf-8"',
    'application/json;charset=UTF-8',
    'application/json; charset="UTF-8"',
    'Application/JSON ; Charset = "Utf-8"',
    'application/json; charset=utf8',
    'application/json;',
    'application/json; charset=utf-8;',
    'application/json; odata=verbose',
    'application/json; q=1; charset=utf-8',
  ])('may be %s', async (type) => {
    const { send } = await createTestGateway()
    expect((await send(predictPath, good, { 'content-type': type })).status).toBe(200)
    expect((await send(inferPath, goodInfer, { 'content-type': type })).status).toBe(200)
  })

  it.each([
    ['application/json; charset=latin1', /in UTF-8, but its charset is latin1/],
    ['application/json; charset="utf-16"', /in UTF-8, but its charset is utf-16/],
    ['application/json; charset=windows-1252', /windows-1252/],
    ['application/json, application/json', /must be application\/json/],
    ['application/jsonp', /must be application\/json/],
    ['text/json', /must be application\/json/],
    ['charset=utf-8', /must be application\/json/],
    ['application/x-www-form-urlencoded', /must be application\/json/],
  ])('is refused: %s', async (type, message) => {
    const { send } = await createTestGateway()
    const refused = await send(predictPath, good, { 'content-type': type })
    expect([refused.status, errorBody.parse(await refused.json()).error]).toMatchObject([
      415,
      { code: 'unsupported_media_type', message: expect.stringMatching(message) as string },
    ])
    expect((await send(inferPath, goodInfer, { 'content-type': type })).status).toBe(415)
  })
})
