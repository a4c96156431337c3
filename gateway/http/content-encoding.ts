import { ServiceError } from '../../contracts/errors.ts'
import { decompress, type Encoding, encodings } from '../../platform/compression/decompress.ts'
import { DecompressionError } from '../../platform/compression/decompression-error.ts'

/** The value of the header by which an answer says what requests may be encoded in (RFC 9110, section 15.5.16). */
export const acceptedEncodings = encodings.join(', ')

/** The most encodings that a body may have: more are nobody's intention, and each costs a pass over the body. */
const maxEncodings = 3
const aliases: Record<string, Encoding> = { 'x-gzip': 'gzip' }

/** What the header `Content-Encoding` says was done to a body, in that order; `identity` is nothing. Throws `unsupported_encoding`. */
export function parseContentEncoding(header: string | undefined): Encoding[] {
  if (header === undefined) return []
  const names = header.split(',').map((name) => name.trim().toLowerCase())
  const found = names.filter((name) => name !== '' && name !== 'identity').map(toEncoding)
  if (found.length > maxEncodings) throw unsupported(`Content-Encoding names ${found.length} encodings, and ${maxEncodings} are taken`)
  return found
}

function toEncoding(name: string): Encoding {
  const encoding = aliases[name] ?? encodings.find((known) => known === name)
  if (encoding !== undefined) return encoding
  const isCharset = /^utf-?8$/.test(name)
  throw unsupported(
    `Content-Encoding ${name.slice(0, 32)} is not taken`,
    isCharset ? 'utf-8 is a charset, and belongs into Content-Type' : `use ${acceptedEncodings}, or leave it out`,
  )
}

function unsupported(message: string, hint?: string): ServiceError {
  return new ServiceError('unsupported_encoding', message, { path: 'Content-Encoding', ...(hint !== undefined && { hint }) })
}

/** The body before it was encoded. Throws `invalid_encoding`, or what `tooLarge` gives once it would have more than `maxBytes`. */
export async function decodeBody(
  body: Uint8Array,
  applied: readonly Encoding[],
  { maxBytes, tooLarge }: { maxBytes: number; tooLarge: () => ServiceError },
): Promise<Uint8Array> {
  let bytes = body
  try {
    // Clients that name an encoding always have no body at times, and then nothing was encoded.
    for (const encoding of applied.toReversed()) if (bytes.byteLength > 0) bytes = await decompress(bytes, encoding, { maxBytes })
    return bytes
  } catch (cause) {
    if (!(cause instanceof DecompressionError)) throw cause
    if (cause.reason === 'too_large') throw tooLarge()
    const message = `the body is not ${applied.join(', ')} as Content-Encoding says: it is corrupt or cut short`
    throw new ServiceError('invalid_encoding', message, { cause, path: 'Content-Encoding' })
  }
}
