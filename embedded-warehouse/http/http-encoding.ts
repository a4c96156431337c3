import type { IncomingMessage } from 'node:http'
import type { Readable, Transform, Writable } from 'node:stream'
import * as zlib from 'node:zlib'
import { DecompressionError } from '../../platform/compression/decompression-error.ts'
import { createLz4Encoder, decodeLz4 } from '../../platform/compression/lz4-frame.ts'
import { createZstdFrames, decodeZstd } from '../../platform/compression/zstd-stream.ts'
import { EngineError } from '../engine/engine-error.ts'
import { singleHeader } from './http-request.ts'
import { createBlockEncoder, decodeBlocks } from './native-blocks.ts'

export type Encoding = 'lz4' | 'gzip' | 'deflate' | 'br' | 'zstd'
/** A part of the way to the client; `flush` sends what it holds back. */
export type Encoder = Writable & Transform & { flush?: () => void }

// zstd came to Node with 22.15; the types are of an older one.
type WithZstd = { createZstdCompress?: () => Encoder; createZstdDecompress?: () => Transform }
const { createZstdCompress, createZstdDecompress } = zlib as WithZstd

type Decode = (body: IncomingMessage) => AsyncIterable<Uint8Array>
const decoders: Record<Encoding, Decode> = {
  lz4: (body) => decodeLz4(chunksOf(body)),
  gzip: through(zlib.createGunzip),
  deflate: through(zlib.createInflate),
  br: through(zlib.createBrotliDecompress),
  zstd: createZstdDecompress === undefined ? (body) => decodeZstd(chunksOf(body)) : through(createZstdDecompress),
}
const encoders: Record<Encoding, () => Encoder> = {
  lz4: createLz4Encoder,
  gzip: () => zlib.createGzip({ level: 1 }),
  deflate: () => zlib.createDeflate({ level: 1 }),
  br: () => zlib.createBrotliCompress({ params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 } }),
  zstd: createZstdCompress ?? createZstdFrames,
}

export type BodyOptions = { nativeBlocks: boolean; maxBytes: number }

/** The body as the client meant it. Reading fails once it exceeds `maxBytes`, so that a small bomb cannot fill the disk. */
export function readBody(request: IncomingMessage, { nativeBlocks, maxBytes }: BodyOptions): AsyncIterable<Buffer> {
  const encoding = (singleHeader(request, 'content-encoding') ?? 'identity').trim().toLowerCase()
  const isPlain = encoding === 'identity' || encoding === ''
  if (!isPlain && !Object.hasOwn(decoders, encoding)) throw new EngineError(48, 'NOT_IMPLEMENTED', `Unknown Content-Encoding ${encoding}`)
  const body = isPlain ? chunksOf(request) : decoders[encoding as Encoding](request)
  return bounded(nativeBlocks ? decodeBlocks(body, { maxBytes }) : body, maxBytes)
}

function through(create: () => Transform): Decode {
  return (request) => {
    const decoded = create()
    // `pipeline` is not used: it would destroy the request, and with it the connection that the answer takes.
    request.once('close', () => request.readableEnded || decoded.destroy(new Error('the body broke off')))
    return chunksOf(request.pipe(decoded))
  }
}

function chunksOf(body: Readable): AsyncIterable<Uint8Array> {
  return body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>
}

async function* bounded(body: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Buffer> {
  let size = 0
  try {
    for await (const chunk of body) {
      size += chunk.byteLength
      if (size > maxBytes) throw tooLarge(maxBytes)
      yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    }
  } catch (error) {
    if (error instanceof EngineError) throw error
    if (error instanceof DecompressionError && error.reason === 'too_large') throw tooLarge(maxBytes)
    throw new EngineError(354, 'ZLIB_INFLATE_FAILED', 'The body broke off or is not what its encoding says', { cause: error })
  }
}

function tooLarge(maxBytes: number): EngineError {
  return new EngineError(223, 'QUERY_IS_TOO_LARGE', `The body is over ${maxBytes} bytes`)
}

/** The first encoding that the client names; zstd last where this Node has none of its own. */
export function chooseEncoding(request: IncomingMessage): Encoding | undefined {
  const accepted = (singleHeader(request, 'accept-encoding') ?? '').split(',').map((part) => part.trim().toLowerCase())
  const wanted = accepted
    .filter((part) => !/;\s*q=0(\.0*)?$/.test(part))
    .map((part) => part.split(';')[0] ?? '')
    .filter((name): name is Encoding => Object.hasOwn(encoders, name))
  return wanted.find((name) => name !== 'zstd' || createZstdCompress !== undefined) ?? wanted[0]
}

/** The encoders that an answer's bytes pass through, in this order. */
export function createEncoders({ encoding, nativeBlocks }: { encoding: Encoding | undefined; nativeBlocks: boolean }): Encoder[] {
  return [...(nativeBlocks ? [createBlockEncoder()] : []), ...(encoding === undefined ? [] : [encoders[encoding]()])]
}
