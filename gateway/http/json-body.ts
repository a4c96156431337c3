import type { Context } from 'hono'
import { ServiceError } from '../../contracts/errors.ts'
import { limits } from '../../contracts/http.ts'
import { parseJson } from '../../platform/json/parse-json.ts'
import { decodeBody, parseContentEncoding } from './content-encoding.ts'
import { isJson } from './content-type.ts'

const decoder = new TextDecoder('utf-8', { fatal: true })

/** The request's body as a JSON value, bounded in bytes and depth before it is parsed; `withinMs` as of `readBytes`. */
export async function readJsonBody(
  c: Context,
  { maxBytes = limits.bodyBytes, withinMs }: { maxBytes?: number; withinMs?: number } = {},
): Promise<unknown> {
  requireJson(c)
  const bytes = await readBytes(c, { maxBytes, withinMs })
  return parseJson(decodeUtf8(bytes))
}

function requireJson(c: Context): void {
  if (!isJson(c))
    throw new ServiceError('unsupported_media_type', 'the body must be application/json in UTF-8', {
      hint: 'set the header Content-Type: application/json',
    })
}

/**
 * The request's body, decompressed as its `Content-Encoding` says and read no further than the limit, which holds before that and after.
 * Throws `unsupported_encoding`, `invalid_encoding`, `body_too_large`, `deadline_exceeded` when it is not there in time, `cancelled` when
 * the client hangs up.
 */
export async function readBytes(
  c: Context,
  { maxBytes, withinMs }: { maxBytes: number; withinMs?: number | undefined },
): Promise<Uint8Array> {
  const encodings = parseContentEncoding(c.req.header('content-encoding'))
  const bytes = await receive(c, { maxBytes, withinMs })
  return encodings.length === 0 ? bytes : decodeBody(bytes, encodings, { maxBytes, tooLarge: () => bodyTooLarge(maxBytes) })
}

async function receive(c: Context, { maxBytes, withinMs }: { maxBytes: number; withinMs: number | undefined }): Promise<Uint8Array> {
  const declared = c.req.header('content-length')
  if (declared !== undefined && c.req.header('transfer-encoding') === undefined) {
    if (Number(declared) > maxBytes) throw bodyTooLarge(maxBytes)
    return new Uint8Array(await received(c.req.arrayBuffer(), withinMs))
  }
  return received(readChunks(c.req.raw.body, maxBytes), withinMs)
}

function received<Body>(reading: Promise<Body>, withinMs: number | undefined): Promise<Body> {
  return new Promise((resolve, reject) => {
    const expire = () => reject(new ServiceError('deadline_exceeded', 'the body did not arrive in time'))
    // Timers come before sockets in a turn: a body that waited through a pause of our own is not late.
    const timer = withinMs === undefined ? undefined : setTimeout(() => setImmediate(expire), withinMs)
    const settle = (body: Body) => {
      clearTimeout(timer)
      resolve(body)
    }
    reading.then(settle, (cause: unknown) => {
      clearTimeout(timer)
      reject(cause instanceof ServiceError ? cause : hungUp(cause))
    })
  })
}

function hungUp(cause: unknown): ServiceError {
  return new ServiceError('cancelled', 'the connection ended before the body did', { cause })
}

/** A body of unknown length. */
async function readChunks(body: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body ?? []) {
    length += chunk.byteLength
    if (length > maxBytes) throw bodyTooLarge(maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

/** Throws `invalid_json`. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new ServiceError('invalid_json', 'the body is not UTF-8', { cause })
  }
}

function bodyTooLarge(maxBytes: number): ServiceError {
  return new ServiceError('body_too_large', `the body is over ${maxBytes} bytes`, { hint: 'split it into several requests' })
}
