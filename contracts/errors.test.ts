import { expect, test } from 'vitest'
import { type ErrorCode, ServiceError, errorCodes, toFieldPath } from './errors.ts'

test('a retryable code never says that the request was wrong, and the other way round', () => {
  const retryable = (Object.keys(errorCodes) as ErrorCode[]).filter((code) => errorCodes[code].retryable)
  for (const code of retryable) expect([404, 409, 429, 499, 500, 503, 504]).toContain(errorCodes[code].status)
})

test('an error knows whether its code can be retried', () => {
  expect(new ServiceError('overloaded', 'full').retryable).toBe(true)
  expect(new ServiceError('invalid_request', 'wrong', { path: 'a', hint: 'b' })).toMatchObject({ retryable: false, path: 'a', hint: 'b' })
})

test.each([
  [['instances', 2, 'features', 'distance'], 'instances[2].features.distance'],
  [[0, 'label'], '[0].label'],
  [[], ''],
])('the path %j reads %s', (path, text) => {
  expect(toFieldPath(path)).toBe(text)
})
