import fc from 'fast-check'
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { compressZstd } from '../../platform/compression/zstd.ts'
import { cityHash128 } from './city-hash.ts'
import { createBlockEncoder, decodeBlocks } from './native-blocks.ts'

/**
 * Hashes of `bytes[i] = (i * 31 + 7 * length) % 256` by their lengths, from the Python package clickhouse-cityhash 1.0.2: the
 * halves as one number, the low half first.
 */
const hashes: readonly (readonly [number, string])[] = [
  [0, '82332263323914296566372529678324145705'],
  [1, '185953577500059419992211135656434015418'],
  [3, '203319027363333460127529322448590793903'],
  [4, '10315288472687596253381832360824830568'],
  [8, '80877422104903355437500731486818422905'],
  [9, '273277631960343511049709275874240160933'],
  [15, '101386304234188319637507818991138950502'],
  [16, '36555788882726774964310430550667414330'],
  [17, '137119564835517686176919181879211001403'],
  [33, '270508525889949150153798000976371005828'],
  [64, '156099216793004153064078266313261071182'],
  [128, '315976918176410495604805378674357207313'],
  [143, '248308078928954048210719007998745101575'],
  [144, '319417239328619151894203705822947385655'],
  [145, '51400651086217774118476689573437936474'],
  [256, '50275652721246306357770194255984846095'],
  [300, '289226286469929980070131872664901739551'],
  [1000, '284175625161668594513333753453758887446'],
  [65545, '333886267997564214061022899099075341923'],
]

test.each(hashes)('the checksum of %i bytes is that of CityHash 1.0.2', (length, expected) => {
  const bytes = Uint8Array.from({ length }, (_, index) => (index * 31 + 7 * length) % 256)
  const { low, high } = cityHash128(bytes)
  expect(String((low << 64n) | high)).toBe(expected)
})

async function all(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return Buffer.concat(parts)
}
const encode = (...chunks: Uint8Array[]) => all(Readable.from(chunks).pipe(createBlockEncoder()))
const decode = (bytes: Uint8Array, maxBytes = 1 << 24) => all(decodeBlocks(Readable.from([bytes]), { maxBytes }))

/** A block made by hand. */
function blockOf(method: number, compressed: Uint8Array, contentBytes: number): Buffer {
  const block = Buffer.alloc(25 + compressed.byteLength)
  block.writeUInt8(method, 16)
  block.writeUInt32LE(9 + compressed.byteLength, 17)
  block.writeUInt32LE(contentBytes, 21)
  block.set(compressed, 25)
  const { low, high } = cityHash128(block.subarray(16))
  block.writeBigUInt64LE(low, 0)
  block.writeBigUInt64LE(high, 8)
  return block
}

describe('blocks', () => {
  test('give back what was written, in pieces of any size', async () => {
    const pieces = fc.array(fc.oneof(fc.uint8Array({ maxLength: 3_000 }), fc.constant(new Uint8Array(300_000).fill(7))), { maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(pieces, async (chunks) => {
        expect(Buffer.compare(await decode(await encode(...chunks)), Buffer.concat(chunks))).toBe(0)
      }),
      { numRuns: 40 },
    )
  })

  test('of every method are read', async () => {
    const content = Buffer.from('some rows '.repeat(100))
    const zstd = blockOf(0x90, await compressZstd(content), content.byteLength)
    const none = blockOf(0x02, content, content.byteLength)
    expect(String(await decode(Buffer.concat([zstd, none])))).toBe(String(content) + String(content))
  })

  test('that are cut, altered, of an unknown method or of another size are refused', async () => {
    const whole = await encode(Buffer.from('abc'.repeat(100)))
    const altered = Buffer.from(whole)
    altered[30] = (altered[30] as number) ^ 1
    const corrupt = [whole.subarray(0, -1), whole.subarray(0, 10), altered, blockOf(0x55, Buffer.of(1), 1), blockOf(0x02, Buffer.of(1), 2)]
    for (const bytes of corrupt) await expect(decode(bytes)).rejects.toMatchObject({ reason: 'corrupt' })
  })

  test('that say that they would be larger than may be are refused before they are read', async () => {
    await expect(decode(blockOf(0x82, Buffer.alloc(5), 2_000_000_000))).rejects.toMatchObject({ reason: 'too_large' })
    await expect(decode(await encode(Buffer.alloc(100_000)), 99_999)).rejects.toMatchObject({ reason: 'too_large' })
  })
})
