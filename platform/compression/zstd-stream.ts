import { Decompress } from 'fzstd'
import { Transform } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { callbackify } from 'node:util'
import { type ByteReader, createByteReader } from './byte-reader.ts'
import { DecompressionError } from './decompression-error.ts'
import { compressZstd, decompressZstd } from './zstd.ts'

const frameMagic = 0xfd2fb528
const skippableMagic = 0x184d2a5
/** The largest window that zstd's own command line takes. */
const maxWindowBytes = 2 ** 27
/** The largest window that a frame of HTTP may want (RFC 9659): the decoder that streams copies the window for each block. */
const maxStreamedWindowBytes = 2 ** 23
/** How long blocks are decoded in one turn of the event loop: a body of many small ones must not keep all others waiting. */
const turnMs = 10
/** The largest block of zstd (RFC 8878, section 3.1.1.2.4). */
const maxBlockBytes = 128 * 1024
const dictionaryIdBytes = [0, 1, 2, 4]
/** The content of one frame: enough that most results are a single one, for some clients read only the first. */
const frameBytes = 4 * 1024 * 1024

/** Encodes frames of up to 4 MiB, for versions of Node.js whose zlib has no zstd. */
export function createZstdFrames(): Transform & { flush(): void } {
  let parts: Buffer[] = []
  let size = 0
  let begun = false

  const takeFrame = callbackify(async (): Promise<Uint8Array> => {
    const content = Buffer.concat(parts)
    parts = []
    size = 0
    begun = true
    return await compressZstd(content)
  })

  const encoder = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      parts.push(chunk)
      size += chunk.byteLength
      if (size < frameBytes) done()
      else takeFrame(done)
    },
    flush(done) {
      if (size === 0 && begun) done()
      else takeFrame(done)
    },
  })
  const flush = () => {
    if (size > 0) takeFrame((error, frame) => void (error === null ? encoder.push(frame) : encoder.destroy(error)))
  }
  return Object.assign(encoder, { flush })
}

/** The content of all frames, block by block, of which none is over 128 KiB. Throws `DecompressionError`; takes no checksum's word. */
export async function* decodeZstd(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = createByteReader(chunks)
  while (!(await reader.atEnd())) {
    const start = await need(reader, 4)
    const magic = start.readUInt32LE()
    if (magic === frameMagic) yield* decodeFrame(reader, await readHeader(reader, start))
    else if (magic >>> 4 === skippableMagic) await need(reader, (await need(reader, 4)).readUInt32LE())
    else throw new DecompressionError('corrupt')
  }
}

type Header = { bytes: Buffer; windowBytes: number; hasChecksum: boolean }

/** Decodes a frame while it comes if its window is of a usual size; with a larger window, which is often all of the content, at once. */
async function* decodeFrame(reader: ByteReader, header: Header): AsyncGenerator<Uint8Array> {
  if (header.windowBytes <= maxStreamedWindowBytes) return yield* decodeBlocks(reader, header)
  const parts = [header.bytes]
  let size = 0
  for await (const { bytes } of readBlocks(reader, header)) {
    size += bytes.byteLength
    if (size > maxWindowBytes) throw new DecompressionError('too_large')
    parts.push(bytes)
  }
  yield await decompressZstd(Buffer.concat(parts), { maxBytes: maxWindowBytes })
}

/** Decodes a frame block by block, so that what a few bytes blow up to is never more than one block. */
async function* decodeBlocks(reader: ByteReader, header: Header): AsyncGenerator<Uint8Array> {
  const content: Uint8Array[] = []
  const decoder = new Decompress((block) => block.byteLength > 0 && content.push(block))
  let turnEndsAt = performance.now() + turnMs
  decode(decoder, { bytes: header.bytes, last: false })
  for await (const block of readBlocks(reader, header)) {
    if (performance.now() > turnEndsAt) {
      await setImmediate()
      turnEndsAt = performance.now() + turnMs
    }
    decode(decoder, block)
    yield* content.splice(0)
  }
}

type Block = { bytes: Buffer; last: boolean }

function decode(decoder: Decompress, { bytes, last }: Block): void {
  try {
    decoder.push(bytes, last)
  } catch (cause) {
    throw new DecompressionError('corrupt', cause)
  }
}

/** The blocks of a frame as they are, the last with the frame's checksum. */
async function* readBlocks(reader: ByteReader, { hasChecksum }: Header): AsyncGenerator<Block> {
  for (let last = false; !last;) {
    const head = await need(reader, 3)
    const bits = head.readUIntLE(0, 3)
    last = (bits & 1) === 1
    const size = bits >> 3
    if (size > maxBlockBytes) throw new DecompressionError('corrupt')
    const isRunLength = ((bits >> 1) & 3) === 1
    const body = await need(reader, isRunLength ? 1 : size)
    const checksum = last && hasChecksum ? await need(reader, 4) : Buffer.alloc(0)
    yield { bytes: Buffer.concat([head, body, checksum]), last }
  }
}

async function readHeader(reader: ByteReader, start: Buffer): Promise<Header> {
  const descriptor = await need(reader, 1)
  const bits = descriptor.readUInt8()
  const isSingleSegment = (bits & 0x20) !== 0
  const sizeBytes = bits >> 6 === 0 ? Number(isSingleSegment) : 1 << (bits >> 6)
  const windowField = await need(reader, isSingleSegment ? 0 : 1)
  const dictionary = await need(reader, dictionaryIdBytes[bits & 3] ?? 0)
  const size = await need(reader, sizeBytes)
  const windowBytes = isSingleSegment ? readSize(size) : readWindow(windowField.readUInt8())
  if (windowBytes > maxWindowBytes) throw new DecompressionError('too_large')
  return { bytes: Buffer.concat([start, descriptor, windowField, dictionary, size]), windowBytes, hasChecksum: (bits & 4) !== 0 }
}

function readWindow(field: number): number {
  const base = 2 ** (10 + (field >> 3))
  return base + (base / 8) * (field & 7)
}

function readSize(field: Buffer): number {
  if (field.byteLength === 8) return Number(field.readBigUInt64LE())
  return field.readUIntLE(0, field.byteLength) + (field.byteLength === 2 ? 256 : 0)
}

async function need(reader: ByteReader, count: number): Promise<Buffer> {
  const bytes = await reader.read(count)
  if (bytes === undefined) throw new DecompressionError('corrupt')
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
