import { Transform } from 'node:stream'
import { type ByteReader, createByteReader } from './byte-reader.ts'
import { DecompressionError } from './decompression-error.ts'
import { compressLz4Block, decompressLz4Block } from './lz4-block.ts'
import { createXxh32, xxh32 } from './xxh32.ts'

// The format: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
const magic = 0x184d2204
const skippableMagic = 0x184d2a5
const versionBits = 0x40
const flags = { dictionary: 0x01, contentChecksum: 0x04, contentSize: 0x08, blockChecksum: 0x10, independent: 0x20 }
const blockSizes: Readonly<Record<number, number>> = { 4: 1 << 16, 5: 1 << 18, 6: 1 << 20, 7: 1 << 22 }
const storedBit = 0x8000_0000
/** How far back a block may refer to the blocks before it. */
const windowBytes = 1 << 16

const ownBlockSize = 5
const ownBlockBytes = blockSizes[ownBlockSize] as number

/** Encodes one frame of independent blocks; each write leaves at once. */
export function createLz4Encoder(): Transform {
  let isBegun = false
  const begin = () => {
    const header = isBegun ? Buffer.alloc(0) : ownHeader()
    isBegun = true
    return header
  }
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const parts: Uint8Array[] = [begin()]
      for (let at = 0; at < chunk.byteLength; at += ownBlockBytes) parts.push(...encodeBlock(chunk.subarray(at, at + ownBlockBytes)))
      done(null, Buffer.concat(parts))
    },
    flush(done) {
      done(null, Buffer.concat([begin(), Buffer.alloc(4)]))
    },
  })
}

function ownHeader(): Buffer {
  const descriptor = Buffer.of(versionBits | flags.independent, ownBlockSize << 4)
  return Buffer.concat([uint32(magic), descriptor, Buffer.of(headerChecksum(descriptor))])
}

function encodeBlock(content: Uint8Array): [Uint8Array, Uint8Array] {
  const block = compressLz4Block(content)
  return block.byteLength < content.byteLength ? [uint32(block.byteLength), block] : [uint32(content.byteLength + storedBit), content]
}

/** The content of all frames, block by block, of which none is over 4 MiB. Throws `DecompressionError`. */
export async function* decodeLz4(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = createByteReader(chunks)
  while (!(await reader.atEnd())) {
    const start = await uint32Of(reader)
    if (start === magic) yield* decodeFrame(reader)
    else if (start >>> 4 === skippableMagic) await need(reader, await uint32Of(reader))
    else throw new DecompressionError('corrupt')
  }
}

async function* decodeFrame(reader: ByteReader): AsyncGenerator<Uint8Array> {
  const { has, maxBlockBytes } = await readHeader(reader)
  const digest = createXxh32()
  const window = new Uint8Array(windowBytes + maxBlockBytes)
  let known = 0
  for (let size = await uint32Of(reader); size !== 0; size = await uint32Of(reader)) {
    const isStored = size >= storedBit
    const block = await need(reader, isStored ? size - storedBit : size, maxBlockBytes)
    let end: number
    if (isStored) {
      window.set(block, known)
      end = known + block.byteLength
    } else end = decompressLz4Block(block, window, known)
    if (end - known > maxBlockBytes) throw new DecompressionError('corrupt')
    if (has('blockChecksum')) {
      const expected = xxh32(block)
      if ((await uint32Of(reader)) !== expected) throw new DecompressionError('corrupt')
    }
    const content = window.slice(known, end)
    if (has('contentChecksum')) digest.update(content)
    yield content
    const keep = has('independent') ? 0 : Math.min(end, windowBytes)
    window.copyWithin(0, end - keep, end)
    known = keep
  }
  if (has('contentChecksum') && (await uint32Of(reader)) !== digest.digest()) throw new DecompressionError('corrupt')
}

async function readHeader(reader: ByteReader) {
  const descriptor = Buffer.from(await need(reader, 2))
  const [flag, block] = descriptor as unknown as [number, number]
  const has = (name: keyof typeof flags) => (flag & flags[name]) !== 0
  const maxBlockBytes = blockSizes[(block >> 4) & 7]
  if ((flag & 0xc0) !== versionBits || maxBlockBytes === undefined || has('dictionary')) throw new DecompressionError('corrupt')
  const size = has('contentSize') ? Buffer.from(await need(reader, 8)) : Buffer.alloc(0)
  const checksum = (await need(reader, 1))[0]
  if (checksum !== headerChecksum(Buffer.concat([descriptor, size]))) throw new DecompressionError('corrupt')
  return { has, maxBlockBytes }
}

function headerChecksum(descriptor: Uint8Array): number {
  return (xxh32(descriptor) >>> 8) & 0xff
}

async function need(reader: ByteReader, count: number, most = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
  const bytes = count > most ? undefined : await reader.read(count)
  if (bytes === undefined) throw new DecompressionError('corrupt')
  return bytes
}

async function uint32Of(reader: ByteReader): Promise<number> {
  const bytes = await need(reader, 4)
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true)
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
