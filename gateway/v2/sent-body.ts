import { ServiceError } from '../../contracts/errors.ts'
import { headerLengthName } from '../../contracts/v2.ts'
import { isJson, mediaTypeOf } from '../http/content-type.ts'
import type { Exchange, ReceiveOptions } from '../http/exchange.ts'
import { readBytes } from '../http/json-body.ts'

/** A request's body in its two parts. `raw`: it is nothing but the elements of one tensor. */
export type SentBody = { json: Uint8Array; binary: Uint8Array; raw: boolean }

/** Clients that send tensors in binary form often name no type. */
const binaryTypes = ['', 'application/octet-stream']

const lengthHeader = headerLengthName.toLowerCase()

/** The body, decompressed, bounded in bytes and time, and split as its header says: that counts bytes before they were compressed. */
export async function readSentBody(exchange: Exchange, receive: ReceiveOptions): Promise<SentBody> {
  const type = exchange.header('content-type')
  const sentAsJson = isJson(type)
  if (!sentAsJson && !binaryTypes.includes(mediaTypeOf(type)))
    throw new ServiceError('unsupported_media_type', 'the body must be application/json or application/octet-stream')
  const bytes = await readBytes(exchange, receive)
  const header = exchange.header(lengthHeader)
  if (header === undefined) return { json: bytes, binary: bytes.subarray(bytes.byteLength), raw: false }
  const length = /^\d{1,10}$/.test(header) ? Number(header) : Number.NaN
  if (!(length <= bytes.byteLength))
    throw new ServiceError('invalid_request', `${headerLengthName} must be the length of the JSON in a body of ${bytes.byteLength} bytes`)
  if (length === 0 && sentAsJson) throw new ServiceError('unsupported_media_type', 'a body without JSON is application/octet-stream')
  return { json: bytes.subarray(0, length), binary: bytes.subarray(length), raw: length === 0 }
}
