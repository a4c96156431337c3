import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromColumnTime, toColumnTime } from './column-time.ts'

test.each([
  ['2001-06-04T12:00:00.125Z', '2001-06-04 12:00:00.125'],
  ['2001-06-04T12:00:00Z', '2001-06-04 12:00:00.000'],
  ['2001-06-04T10:00:00.123456-05:00', '2001-06-04 15:00:00.123'],
  [0, '1970-01-01 00:00:00.000'],
])('%s is written as %s', (time, text) => {
  expect(toColumnTime(time)).toBe(text)
})

test('what is no time is refused', () => {
  expect(() => toColumnTime('yesterday')).toThrow(RangeError)
})

test('there and back is the same, from milliseconds and from text', () => {
  const time = fc.date({ min: new Date('1900-01-01'), max: new Date('2299-12-31'), noInvalidDate: true })
  fc.assert(
    fc.property(time, (date) => {
      expect(fromColumnTime(toColumnTime(date.toISOString()))).toBe(date.toISOString())
      expect(toColumnTime(date.getTime())).toBe(toColumnTime(date.toISOString()))
    }),
  )
})
