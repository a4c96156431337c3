import { ServiceError } from '../../contracts/errors.ts'
import { limits } from '../../contracts/http.ts'
import { parseJson } from '../../platform/json/parse-json.ts'
import { bodyTooLarge } from './body-errors.ts'
import { decodeBody, parseContentEncoding } from './content-encoding.ts'
import { isJson } from './content-type.ts'
import type { Exchange, ReceiveOptions } from './exchange.ts'

const decoder = new TextDecoder('utf-8', { fatal: true })

type Received = Pick<Exchange, 'header' | 'receive'>

/** The request's body as a JSON value, bounded in bytes and depth before it is parsed. */
export async function readJsonBody(exchange: Received, options: ReceiveOptions = { maxBytes: limits.bodyBytes }): Promise<unknown> {
  requireJson(exchange)
  return parseJson(decodeUtf8(await readBytes(exchange, options)))
}

function requireJson(exchange: Received): void {
  if (!isJson(exchange.header('content-type')))
    throw new ServiceError('unsupported_media_type', 'the body must be application/json in UTF-8', {
      hint: 'set the header Content-Type: application/json',
    })
}

/**
 * The request's body, decompressed as its `Content-Encoding` says: the limit holds before that and after. Throws what
 * `Exchange.receive` does, `unsupported_encoding` and `invalid_encoding`.
 */
export function readBytes(exchange: Received, options: ReceiveOptions): Promise<Uint8Array> {
  const encoding = exchange.header('content-encoding')
  return encoding === undefined ? exchange.receive(options) : readDecoded(exchange, encoding, options)
}

async function readDecoded(exchange: Received, encoding: string, options: ReceiveOptions): Promise<Uint8Array> {
  const encodings = parseContentEncoding(encoding)
  const { maxBytes } = options
  return decodeBody(await exchange.receive(options), encodings, { maxBytes, tooLarge: () => bodyTooLarge(maxBytes) })
}

/** Throws `invalid_json`. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new ServiceError('invalid_json', 'the body is not UTF-8', { cause })
  }
}
