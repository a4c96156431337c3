import { ClickHouseError, parseError } from '@clickhouse/client'
import { expect, test } from 'vitest'
import { EngineError, httpStatusOf, parseErrorText, toErrorText } from './engine-error.ts'

test.each([
  ['Code: 60. DB::Exception: Table d.t does not exist. (UNKNOWN_TABLE)', 60, 'UNKNOWN_TABLE', 'Table d.t does not exist.'],
  [
    'Code: 27. DB::Exception: Code: 27. DB::Exception: Cannot parse (at row 2)\n: x. (CANNOT_PARSE) (version 26.7). (CANNOT_PARSE)',
    27,
    'CANNOT_PARSE',
    'Cannot parse (at row 2)\n: x.',
  ],
  [
    'Code: 62. DB::Exception: Syntax error (Multi-statements are not allowed): ; x. (SYNTAX_ERROR)',
    62,
    'SYNTAX_ERROR',
    'Syntax error (Multi-statements are not allowed): ; x.',
  ],
  ['something else', 1002, 'UNKNOWN_EXCEPTION', 'something else'],
])('reads %j', (text, code, type, message) => {
  expect(parseErrorText(text)).toMatchObject({ code, type, message })
})

test('what is written is what the client reads', () => {
  const text = toErrorText(new EngineError(60, 'UNKNOWN_TABLE', 'Table d.t does not exist (2 rows).'), '26.7.2.1')
  const error = parseError(text)
  expect(error).toBeInstanceOf(ClickHouseError)
  expect(error).toMatchObject({ code: '60', type: 'UNKNOWN_TABLE', message: 'Table d.t does not exist (2 rows). ' })
})

test('an error that is not told apart is a server error', () => {
  expect([60, 62, 497, 159, 999_999].map(httpStatusOf)).toEqual([404, 400, 403, 408, 500])
})

test.each(['.', ' ', '(AAA) ', '(AAA', ' (version'])('a message of many %j is read and written in one go', (part) => {
  const message = part.repeat(300_000)
  const error = parseErrorText(`Code: 395. DB::Exception: ${message}x. (THROW) (version 26.7)`)
  expect(error.code).toBe(395)
  expect(toErrorText(error, '26.7')).toContain('Code: 395')
})
