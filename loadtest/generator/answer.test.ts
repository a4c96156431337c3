import { expect, it } from 'vitest'
import { parseAnswer } from './answer.ts'

const bytes = (...lines: string[]) => Buffer.from(lines.join('\r\n'))
const sized = bytes('HTTP/1.1 503 Service Unavailable', 'Retry-After: 2', 'Connection: close', 'Content-Length: 4', '', 'late')
const chunked = bytes(
  'HTTP/1.1 200 OK',
  'Transfer-Encoding: chunked',
  'Connection: keep-alive',
  '',
  '8',
  'a',
  '0',
  '',
  'b',
  '1',
  'c',
  '0',
  '',
  '',
)

it('reads status, Retry-After and whether the connection ends', () => {
  expect(parseAnswer(sized)).toEqual({ status: 503, retryAfterSeconds: 2, closes: true })
  expect(parseAnswer(chunked)).toEqual({ status: 200, retryAfterSeconds: 0, closes: false })
})

it.each([
  ['a Content-Length', sized],
  ['chunks, one of which looks like the last', chunked],
])('waits for the last byte, with %s', (_how, answer) => {
  for (let length = 0; length < answer.length; length++) expect(parseAnswer(answer.subarray(0, length))).toBeUndefined()
})
