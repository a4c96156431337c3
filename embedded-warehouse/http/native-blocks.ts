import { Transform } from 'node:stream'
import { createByteReader } from '../../platform/compression/byte-reader.ts'
import { DecompressionError } from '../../platform/compression/decompression-error.ts'
import { compressLz4Block, decompressLz4Block } from '../../platform/compression/lz4-block.ts'
import { decompressZstd } from '../../platform/compression/zstd.ts'
import { cityHash128 } from './city-hash.ts'

/*
 * ClickHouse's own compression, of `compress=1` and `decompress=1`: blocks of a checksum (16 bytes), the method (1), the size
 * of what follows the checksum (4), the size of the content (4), and the compressed content.
 */
const methods = { none: 0x02, lz4: 0x82, zstd: 0x90 } as const
const checksumBytes = 16
const headerBytes = 9
const ownContentBytes = 256 * 1024
/** The largest block that ClickHouse takes; its own are of 1 MiB. */
const maxContentBytes = 1 << 30

/** Encodes bytes as ClickHouse's blocks with LZ4, the method that a server uses; each write leaves at once. */
export function createBlockEncoder(): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const blocks: Uint8Array[] = []
      for (let at = 0; at < chunk.byteLength; at += ownContentBytes) blocks.push(encodeBlock(chunk.subarray(at, at + ownContentBytes)))
      done(null, Buffer.concat(blocks))
    },
  })
}

function encodeBlock(content: Uint8Array): Uint8Array {
  const compressed = compressLz4Block(content)
  const block = Buffer.alloc(checksumBytes + headerBytes + compressed.byteLength)
  block.writeUInt8(methods.lz4, checksumBytes)
  block.writeUInt32LE(headerBytes + compressed.byteLength, checksumBytes + 1)
  block.writeUInt32LE(content.byteLength, checksumBytes + 5)
  block.set(compressed, checksumBytes + headerBytes)
  const { low, high } = cityHash128(block.subarray(checksumBytes))
  block.writeBigUInt64LE(low, 0)
  block.writeBigUInt64LE(high, 8)
  return block
}

/** The content of all blocks, one by one, of which none is over `maxBytes`. Throws `DecompressionError`. */
export async function* decodeBlocks(chunks: AsyncIterable<Uint8Array>, { maxBytes }: { maxBytes: number }): AsyncGenerator<Uint8Array> {
  const reader = createByteReader(chunks)
  while (!(await reader.atEnd())) {
    const start = await reader.read(checksumBytes + headerBytes)
    if (start === undefined) throw new DecompressionError('corrupt')
    const head = Buffer.from(start)
    const size = head.readUInt32LE(checksumBytes + 1) - headerBytes
    const contentBytes = head.readUInt32LE(checksumBytes + 5)
    if (contentBytes > Math.min(maxBytes, maxContentBytes)) throw new DecompressionError('too_large')
    // No method blows content up by more than a 255th and a few bytes.
    if (size < 0 || size > contentBytes + contentBytes / 128 + 1024) throw new DecompressionError('corrupt')
    const compressed = await reader.read(size)
    if (compressed === undefined) throw new DecompressionError('corrupt')
    const { low, high } = cityHash128(Buffer.concat([head.subarray(checksumBytes), compressed]))
    if (head.readBigUInt64LE(0) !== low || head.readBigUInt64LE(8) !== high) throw new DecompressionError('corrupt')
    yield await decodeBlock(head.readUInt8(checksumBytes), { compressed, contentBytes })
  }
}

async function decodeBlock(method: number, { compressed, contentBytes }: { compressed: Uint8Array; contentBytes: number }) {
  const content = await decodeContent(method, { compressed, contentBytes })
  if (content.byteLength !== contentBytes) throw new DecompressionError('corrupt')
  return content
}

async function decodeContent(
  method: number,
  { compressed, contentBytes }: { compressed: Uint8Array; contentBytes: number },
): Promise<Uint8Array> {
  switch (method) {
    case methods.none:
      return compressed
    case methods.lz4: {
      const target = new Uint8Array(contentBytes)
      return target.subarray(0, decompressLz4Block(compressed, target, 0))
    }
    case methods.zstd:
      return decompressZstd(compressed, { maxBytes: contentBytes })
    default:
      throw new DecompressionError('corrupt')
  }
}
