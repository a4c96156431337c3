import type { compress, decompress } from '@foxglove/wasm-zstd'
import { DecompressionError } from './decompression-error.ts'
import { measureZstd } from './zstd-frames.ts'

/** The compression level, which is zstd's own default: faster ones save little time, slower ones few bytes. */
const level = 3

/** How many times more than is allowed a body may decode to, only to tell one that is too large from one that is corrupt. */
const tellingFactor = 4

type Codec = { compress: typeof compress; decompress: typeof decompress }

// The codec is loaded by whoever meets zstd first: most processes never do.
let loading: Promise<Codec> | undefined

/** Compresses to one frame. Blocks the event loop, for about 10 ms per MiB. */
export async function compressZstd(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return toOwn((await load()).compress(bytes, level))
}

/**
 * The content of all frames, checked where they have checksums. Blocks the event loop, for about 2 ms per MiB.
 * Throws `DecompressionError`; never decodes much more than `maxBytes`.
 */
export async function decompressZstd(bytes: Uint8Array, { maxBytes }: { maxBytes: number }): Promise<Uint8Array> {
  const content = measureZstd(bytes)
  if (content === undefined) throw new DecompressionError('corrupt')
  if (content.least > maxBytes) throw new DecompressionError('too_large')
  const codec = await load()
  const decode = (limit: number) => codec.decompress(bytes, Math.max(1, Math.min(content.most, limit)))
  try {
    return decode(maxBytes)
  } catch (cause) {
    throw content.most <= maxBytes ? new DecompressionError('corrupt', cause) : tell(content.most, maxBytes * tellingFactor, decode)
  }
}

/** Tells whether frames of unknown length are too large or corrupt: those that fit into more space, or claim more than that, are too large. */
function tell(most: number, limit: number, decode: (limit: number) => Uint8Array): DecompressionError {
  try {
    decode(limit)
    return new DecompressionError('too_large')
  } catch (cause) {
    return new DecompressionError(most <= limit ? 'corrupt' : 'too_large', cause)
  }
}

async function load(): Promise<Codec> {
  loading ??= import('@foxglove/wasm-zstd').then(async (zstd) => {
    await zstd.isLoaded
    return zstd
  })
  return loading
}

function toOwn(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}
