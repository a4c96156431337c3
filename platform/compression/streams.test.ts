import fc from 'fast-check'
import { Readable, type Transform } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { createLz4Encoder, decodeLz4 } from './lz4-frame.ts'
import { xxh32 } from './xxh32.ts'
import { compressZstd } from './zstd.ts'
import { createZstdFrames, decodeZstd } from './zstd-stream.ts'

const formats: Record<string, { encode: () => Transform; decode: (chunks: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array> }> = {
  lz4: { encode: createLz4Encoder, decode: decodeLz4 },
  zstd: { encode: createZstdFrames, decode: decodeZstd },
}

async function all(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return Buffer.concat(parts)
}

function* split(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size)
}

const reasonOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error: { reason?: string }) => error.reason,
  )

describe.each(Object.keys(formats))('%s', (name) => {
  const { encode, decode } = formats[name] as (typeof formats)[string]
  const encoded = (bytes: Uint8Array, size: number) => all(Readable.from(split(bytes, size)).pipe(encode()))
  const decoded = (bytes: Uint8Array, size = 777) => all(decode(Readable.from(split(bytes, size))))

  it('gives back any bytes, however they are cut', async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 3_000 }),
      fc.string({ minLength: 10, maxLength: 50 }).map((text) => Buffer.from(text.repeat(9_000))),
    )
    await fc.assert(
      fc.asyncProperty(bytes, fc.integer({ min: 1_000, max: 300_000 }), async (content, size) => {
        expect(Buffer.compare(await decoded(await encoded(content, size)), content)).toBe(0)
      }),
      { numRuns: 30 },
    )
  })

  it('reads several frames, and frames to be skipped', async () => {
    const frame = await encoded(Buffer.from('one frame'), 100)
    const skipped = Buffer.concat([Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0]), Buffer.from('xyz')])
    expect(String(await decoded(Buffer.concat([frame, skipped, frame]), 5))).toBe('one frameone frame')
  })

  it('refuses what is cut short, and what it is not', async () => {
    const frame = await encoded(Buffer.from('row '.repeat(10_000)), 1_000_000)
    for (const share of [0.02, 0.3, 0.9])
      expect(await reasonOf(decoded(frame.subarray(0, Math.ceil(frame.byteLength * share))))).toBe('corrupt')
    expect(await reasonOf(decoded(frame.subarray(0, -1)))).toBe('corrupt')
    expect(await reasonOf(decoded(Buffer.concat([frame, Buffer.from('more bytes')])))).toBe('corrupt')
  })
})

describe('frames of the Python package lz4 4.4.5', () => {
  const text = 'abcdefgh'.repeat(12)
  it.each([
    ['linked blocks', 'BCJNGGhAYAAAAAAAAADnEgAAAI9hYmNkZWZnaAgAQFBkZWZnaAAAAAA='],
    ['checksums of blocks and content', 'BCJNGHxAYAAAAAAAAAD2EgAAAI9hYmNkZWZnaAgAQFBkZWZnaGWK1eoAAAAAHVrqhQ=='],
  ])('with %s', async (_, base64) => {
    const bytes = Buffer.from(base64, 'base64')
    expect(String(await all(decodeLz4(Readable.from([bytes]))))).toBe(text)
    const altered = Buffer.from(bytes)
    altered[altered.byteLength - 1] = (altered.at(-1) as number) ^ 1
    expect(await reasonOf(all(decodeLz4(Readable.from([altered]))))).toBe('corrupt')
  })
})

it('counts as XXH32 does', () => {
  // The specification's and the Python package xxhash's values.
  expect(xxh32(Buffer.from(''))).toBe(0x02cc5d05)
  expect(xxh32(Buffer.from('Nobody inspects the spammish repetition'))).toBe(0xe2293b2f)
})

it('keeps no window of zstd that is larger than zstd itself would', async () => {
  const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00])
  expect(await reasonOf(all(decodeZstd(Readable.from([frame]))))).toBe('too_large')
})

describe('a frame of zstd whose window is large', () => {
  const mib = 2 ** 20
  /** Blocks of one repeated byte each, then as many of one byte; the window is as given, in powers of two. */
  function frameOf({ window, full, single }: { window: number; full: number; single: number }): Buffer {
    const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, (window - 10) << 3])
    const repeated = Buffer.from([0x02, 0x00, 0x10, 0x41])
    const one = Buffer.from([0x08, 0x00, 0x00, 0x42])
    const last = Buffer.from([0x01, 0x00, 0x00])
    return Buffer.concat([header, ...Array<Buffer>(full).fill(repeated), ...Array<Buffer>(single).fill(one), last])
  }

  it('is decoded, up to what zstd itself would keep', async () => {
    const bytes = Buffer.alloc(9 * mib, 'a text that is its own window; ')
    expect(Buffer.compare(await all(decodeZstd(Readable.from([await compressZstd(bytes)]))), bytes)).toBe(0)
    expect((await all(decodeZstd(Readable.from([frameOf({ window: 27, full: 800, single: 1 })])))).byteLength).toBe(100 * mib + 1)
    expect(await reasonOf(all(decodeZstd(Readable.from([frameOf({ window: 27, full: 1025, single: 0 })]))))).toBe('too_large')
  })

  it('lets others have their turn where its blocks are small', async () => {
    let turns = 0
    const counting = setInterval(() => (turns += 1), 1)
    await all(decodeZstd(Readable.from([frameOf({ window: 23, full: 64, single: 500 })])))
    clearInterval(counting)
    expect(turns).toBeGreaterThan(2)
  })
})
