import type { Context } from 'hono'
import { predictLimits } from '../../contracts/http.ts'
import { ServiceError } from '../../contracts/errors.ts'
import { headerLengthName } from '../../contracts/v2.ts'
import { isJson, mediaTypeOf } from '../http/content-type.ts'
import { readBytes } from '../http/json-body.ts'

/** A request's body in its two parts. `raw`: it is nothing but the elements of one tensor. */
export type SentBody = { json: Uint8Array; binary: Uint8Array; raw: boolean }

/** Clients that send tensors in binary form often name no type. */
const binaryTypes = ['', 'application/octet-stream']

/** The body, decompressed, bounded in bytes and time, and split as its header says: that counts bytes before they were compressed. */
export async function readSentBody(c: Context, { withinMs }: { withinMs: number }): Promise<SentBody> {
  const sentAsJson = isJson(c)
  if (!sentAsJson && !binaryTypes.includes(mediaTypeOf(c)))
    throw new ServiceError('unsupported_media_type', 'the body must be application/json or application/octet-stream')
  const bytes = await readBytes(c, { maxBytes: predictLimits.bodyBytes, withinMs })
  const header = c.req.header(headerLengthName)
  if (header === undefined) return { json: bytes, binary: bytes.subarray(bytes.byteLength), raw: false }
  const length = /^\d{1,10}$/.test(header) ? Number(header) : Number.NaN
  if (!(length <= bytes.byteLength))
    throw new ServiceError('invalid_request', `${headerLengthName} must be the length of the JSON in a body of ${bytes.byteLength} bytes`)
  if (length === 0 && sentAsJson) throw new ServiceError('unsupported_media_type', 'a body without JSON is application/octet-stream')
  return { json: bytes.subarray(0, length), binary: bytes.subarray(length), raw: length === 0 }
}
