import { parse } from 'content-type'
import { ServiceError } from '../../contracts/errors.ts'

/** The two ways in which nearly all clients write the type of JSON. */
const plain = ['application/json', 'application/json; charset=utf-8']
const utf8 = ['utf-8', 'utf8']

/** Whether a `Content-Type` says that the body is JSON. Throws `unsupported_media_type` for JSON in another charset; other parameters mean nothing there. */
export function isJson(header = ''): boolean {
  if (plain.includes(header)) return true
  const { type, parameters } = parse(header)
  if (type !== 'application/json') return false
  const charset = parameters['charset'] ?? 'utf-8'
  if (utf8.includes(charset.toLowerCase())) return true
  throw new ServiceError('unsupported_media_type', `the body must be in UTF-8, but its charset is ${charset.slice(0, 32)}`, {
    path: 'Content-Type',
  })
}

/** The media type that a Content-Type names, in lower case and without parameters; empty where there is none. */
export function mediaTypeOf(header = ''): string {
  return parse(header, { parameters: false }).type
}
