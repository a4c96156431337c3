import { brotliDecompress, gunzip, inflate, inflateRaw, type Zlib } from 'node:zlib'
import { DecompressionError } from './decompression-error.ts'
import { decompressZstd } from './zstd.ts'

/** The encodings by the names that HTTP has for them. `deflate` with zlib's header, as its specification says, or without, as some clients send it. */
export const encodings = ['gzip', 'deflate', 'br', 'zstd'] as const
export type Encoding = (typeof encodings)[number]

/**
 * Whole bodies in memory. Throws `DecompressionError`, and decodes no further than `maxBytes`.
 *
 * @example
 * ```ts
 * import { compress } from './compress.ts'
 * import { decompress } from './decompress.ts'
 *
 * const body = await compress(Buffer.from('{"value":1}'), 'zstd')
 * Buffer.from(await decompress(body, 'zstd', { maxBytes: 1024 })).toString() // => '{"value":1}'
 * ```
 */
export async function decompress(bytes: Uint8Array, encoding: Encoding, options: { maxBytes: number }): Promise<Uint8Array> {
  switch (encoding) {
    case 'gzip':
      return run(decoders.gunzip, bytes, options)
    case 'deflate':
      return run(hasZlibHeader(bytes) ? decoders.inflate : decoders.inflateRaw, bytes, options)
    case 'br':
      return run(decoders.brotliDecompress, bytes, options)
    case 'zstd':
      return decompressZstd(bytes, options)
  }
}

/** Whether the bytes begin with the header that RFC 1950, section 2.2, describes. */
function hasZlibHeader([first = 0, second = 0]: Uint8Array): boolean {
  return (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0
}

type Result = { buffer: Uint8Array; engine: Pick<Zlib, 'bytesWritten'> }
type Decode = (
  bytes: Uint8Array,
  options: { maxOutputLength: number; info: true },
  done: (error: NodeJS.ErrnoException | null, result: Result) => void,
) => void

/** Node's decoders, which with the option `info` tell how far they read; their types do not know it. */
const decoders = { brotliDecompress, gunzip, inflate, inflateRaw } as unknown as Record<
  'brotliDecompress' | 'gunzip' | 'inflate' | 'inflateRaw',
  Decode
>

/** Decodes in libuv's threads. Bytes behind the end are corruption, but for gzip's further members, which belong to it. */
function run(decode: Decode, bytes: Uint8Array, { maxBytes }: { maxBytes: number }): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    decode(bytes, { maxOutputLength: maxBytes, info: true }, (error, result) => {
      if (error !== null) reject(new DecompressionError(error.code === 'ERR_BUFFER_TOO_LARGE' ? 'too_large' : 'corrupt', error))
      else if (result.engine.bytesWritten < bytes.byteLength) reject(new DecompressionError('corrupt'))
      else resolve(result.buffer)
    })
  })
}
