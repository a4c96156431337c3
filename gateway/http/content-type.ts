import { parse } from 'content-type'
import { ServiceError } from '../../contracts/errors.ts'

/** What nearly all clients send. */
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

/** Lower case and without parameters; empty where none is said. */
export function mediaTypeOf(header = ''): string {
  return parse(header, { parameters: false }).type
}
