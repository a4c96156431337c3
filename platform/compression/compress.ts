import { promisify } from 'node:util'
import { brotliCompress, constants, deflate, gzip } from 'node:zlib'
import type { Encoding } from './decompress.ts'
import { compressZstd } from './zstd.ts'

/** The compression level, which takes half of the default's time for a few bytes more. */
const level = 4

const brotli = promisify(brotliCompress)
const zlib = { gzip: promisify(gzip), deflate: promisify(deflate) }

/** Compresses whole bodies in memory: in libuv's threads, but for `zstd`, which blocks the event loop. */
export async function compress(bytes: Uint8Array, encoding: Encoding): Promise<Uint8Array<ArrayBuffer>> {
  if (encoding === 'zstd') return compressZstd(bytes)
  if (encoding !== 'br') return zlib[encoding](bytes, { level })
  const params = { [constants.BROTLI_PARAM_QUALITY]: level, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.byteLength }
  return brotli(bytes, { params })
}
