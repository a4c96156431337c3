import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'

/** RFC 8785 JSON: keys sorted, numbers in their shortest form. Throws on NaN and Infinity. */
export function toCanonicalJson(value: unknown): string {
  const text = (canonicalize as unknown as (value: unknown) => string | undefined)(value)
  if (text === undefined) throw new TypeError('only JSON values have a canonical form')
  return text
}

/** SHA-256 in lower-case hexadecimal of the value's RFC 8785 form. */
export function canonicalHash(value: unknown): string {
  return sha256Hex(toCanonicalJson(value))
}

export function sha256Hex(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
