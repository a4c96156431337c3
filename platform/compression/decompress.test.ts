import { compress as compressRaw, decompress as decompressRaw, isLoaded } from '@foxglove/wasm-zstd'
import fc from 'fast-check'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { decompress, type Encoding, encodings } from './decompress.ts'
import { DecompressionError } from './decompression-error.ts'
import { compressZstd } from './zstd.ts'
import { measureZstd } from './zstd-frames.ts'

const text = Buffer.from(JSON.stringify(Array.from({ length: 2_000 }, (_, index) => ({ index, square: index * index }))))
const maxBytes = text.byteLength
const compressors: Record<Encoding, (bytes: Uint8Array) => Uint8Array> = {
  gzip: gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  zstd: (bytes) => compressRaw(bytes),
}

/** `printf '%s' '{"a":[1,2,3]}' | zstd -c`, of a pipe: of unknown size, with a checksum. */
const fromPipe = Buffer.from('KLUv/QRYaQAAeyJhIjpbMSwyLDNdfSV6t70=', 'base64')

beforeAll(() => isLoaded)

const reasonOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error: unknown) => (error instanceof DecompressionError ? error.reason : String(error)),
  )

describe.each(encodings)('%s', (encoding) => {
  const compressed = () => compressors[encoding](text)

  it('gives back what was compressed, up to just what is allowed', async () => {
    expect(Buffer.compare(await decompress(compressed(), encoding, { maxBytes }), text)).toBe(0)
    expect(await reasonOf(decompress(compressed(), encoding, { maxBytes: maxBytes - 1 }))).toBe('too_large')
  })

  it('gives back any bytes, and nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), async (bytes) => {
        expect(Buffer.compare(await decompress(compressors[encoding](bytes), encoding, { maxBytes: 2_000 }), bytes)).toBe(0)
      }),
    )
  })

  it('refuses a body cut at any place, and bytes behind its end', async () => {
    const whole = compressed()
    for (const share of [0.1, 0.5, 0.9]) {
      const cut = whole.subarray(0, Math.floor(whole.byteLength * share))
      expect(await reasonOf(decompress(cut, encoding, { maxBytes }))).toBe('corrupt')
    }
    expect(await reasonOf(decompress(whole.subarray(0, -1), encoding, { maxBytes }))).toBe('corrupt')
    expect(await reasonOf(decompress(Buffer.concat([whole, Buffer.from('more')]), encoding, { maxBytes }))).toBe('corrupt')
  })

  it('stops early at a bomb', async () => {
    const bomb = compressors[encoding](Buffer.alloc(8 * 1024 * 1024))
    expect(await reasonOf(decompress(bomb, encoding, { maxBytes: 1024 }))).toBe('too_large')
  })

  it('never takes other bytes for its own', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 64, maxLength: 512 }), async (bytes) => {
        // Noise may be a short stored block of raw deflate.
        if (encoding !== 'deflate') expect(await reasonOf(decompress(bytes, encoding, { maxBytes }))).not.toBe('none')
      }),
    )
  })
})

it('takes several members of gzip, as of files that were joined', async () => {
  const joined = Buffer.concat([gzipSync('{"a":'), gzipSync('1}')])
  expect(Buffer.from(await decompress(joined, 'gzip', { maxBytes })).toString()).toBe('{"a":1}')
})

it('takes deflate without the header of zlib', async () => {
  expect(Buffer.compare(await decompress(deflateRawSync(text), 'deflate', { maxBytes }), text)).toBe(0)
  for (const size of [0, 1, 100, 70_000]) {
    const stored = deflateRawSync(Buffer.alloc(size, 'x'), { level: 0 })
    expect((await decompress(stored, 'deflate', { maxBytes: 100_000 })).byteLength).toBe(size)
  }
})

describe('frames of zstd', () => {
  it('may be of unknown size, as from a pipe', async () => {
    expect(measureZstd(fromPipe)).toMatchObject({ least: 13, most: 13 })
    expect(Buffer.from(await decompress(fromPipe, 'zstd', { maxBytes })).toString()).toBe('{"a":[1,2,3]}')
  })

  it('may be several, with others between that are to be skipped', async () => {
    const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])
    const frames = Buffer.concat([skippable, await compressZstd(Buffer.from('{"a":')), skippable, await compressZstd(Buffer.from('1}'))])
    expect(Buffer.from(await decompress(frames, 'zstd', { maxBytes })).toString()).toBe('{"a":1}')
  })

  it('are checked by their checksum', async () => {
    const changed = Buffer.from(fromPipe)
    changed[changed.indexOf('1')] = '7'.charCodeAt(0)
    expect(await reasonOf(decompress(changed, 'zstd', { maxBytes }))).toBe('corrupt')
  })

  it('of unknown size and of compressed blocks are told from bombs where they are corrupt', async () => {
    const unknown = withoutSize(await compressZstd(text))
    expect(measureZstd(unknown)!.most).toBeGreaterThan(maxBytes)
    expect(Buffer.compare(decompressRaw(unknown, maxBytes), text)).toBe(0)
    expect(await reasonOf(decompress(unknown, 'zstd', { maxBytes }))).toBe('none')
    expect(await reasonOf(decompress(unknown, 'zstd', { maxBytes: maxBytes - 1 }))).toBe('too_large')
    const corrupt = Buffer.from(unknown)
    corrupt.fill(0xff, 60, 120)
    expect(await reasonOf(decompress(corrupt, 'zstd', { maxBytes }))).toBe('corrupt')
  })

  it('that lie about their size are corrupt', async () => {
    const lying = Buffer.from(await compressZstd(text))
    lying[5]! ^= 1
    expect(await reasonOf(decompress(lying, 'zstd', { maxBytes: 2 * maxBytes }))).toBe('corrupt')
  })
})

/** The same frame with a window in the place of its size (RFC 8878, section 3.1.1.1). */
function withoutSize(frame: Uint8Array): Buffer {
  const header = Buffer.from(frame.subarray(0, 4 + 1))
  const sizeBytes = header[4]! >> 6 === 0 ? 1 : 1 << (header[4]! >> 6)
  header[4] = header[4]! & 0x04
  return Buffer.concat([header, Buffer.from([0x58]), frame.subarray(5 + sizeBytes)])
}
