import Negotiator from 'negotiator'
import type { Encoding } from '../../platform/compression/decompress.ts'

/** The encodings in the order in which they are given to a client that takes any. */
const known = ['br', 'gzip', 'zstd', 'deflate'] as const satisfies Encoding[]

/** The longest answer that may be encoded with zstd: more would hold up the event loop for longer than an answer takes. */
const maxZstdBytes = 128 * 1024

/**
 * How an answer of so many bytes is to be encoded for a client that sent this `Accept-Encoding`, by its weights, then by
 * its order; undefined: not at all, also where that is refused, for an answer that is not understood is better than none
 * (RFC 9110, section 12.5.3).
 */
export function chooseEncoding(header: string | undefined, bytes: number): Encoding | undefined {
  if (header === undefined) return undefined
  const offered = bytes > maxZstdBytes ? known.filter((encoding) => encoding !== 'zstd') : known
  const accepted = new Negotiator({ headers: { 'accept-encoding': header.replaceAll(/\bx-gzip\b/gi, 'gzip') } })
  const chosen = accepted.encoding([...offered, 'identity'])
  return known.find((encoding) => encoding === chosen)
}
