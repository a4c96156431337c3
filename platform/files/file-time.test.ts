import { describe, expect, test } from 'vitest'
import { readTime, type TimeOptions } from './file-time.ts'

const read = (value: unknown, options: TimeOptions = {}) => {
  const time = readTime(value, options)
  return typeof time === 'number' ? new Date(time).toISOString() : time.problem
}
const berlin = { timeZone: 'Europe/Berlin' }
const half = '2026-03-29T01:30:00.000Z'

describe('a time', () => {
  test.each<[string, unknown, TimeOptions, string]>([
    ['of RFC 3339', '2026-03-29T01:30:00Z', {}, half],
    ['in lower case', '2026-03-29t01:30:00z', {}, half],
    ['with a space and an offset, as pandas writes it', '2026-03-29 01:30:00+00:00', {}, half],
    ['with an offset without a colon', '2026-03-29T03:30:00+0200', {}, half],
    ['with an offset of hours, as PostgreSQL writes it', '2026-03-29 01:30:00+00', {}, half],
    ['with the name UTC, as BigQuery writes it', '2026-03-29 01:30:00 UTC', {}, half],
    ['without seconds', '2026-03-29T01:30Z', {}, half],
    ['west of Greenwich', '2026-03-28T21:00:00-04:30', {}, half],
    ['with nanoseconds, cut to milliseconds', '2026-03-29T01:30:00.123999999Z', {}, '2026-03-29T01:30:00.123Z'],
    ['with tenths after a comma', '2026-03-29T01:30:00,5Z', {}, '2026-03-29T01:30:00.500Z'],
    ['in seconds', 1774747800, { unit: 's' }, half],
    ['in seconds as text', '1774747800', { unit: 's' }, half],
    ['in seconds with a fraction that no double holds', 1774747800.001, { unit: 's' }, '2026-03-29T01:30:00.001Z'],
    ['in seconds as a spreadsheet writes them', '1.7747478E9', { unit: 's' }, half],
    ['in milliseconds', '1774747800000', { unit: 'ms' }, half],
    ['in milliseconds beyond 32 bits', 1774747800000n, { unit: 'ms' }, half],
    ['in microseconds before 1970', -1, { unit: 'us' }, '1969-12-31T23:59:59.999Z'],
    ['in nanoseconds', 1774747800123456789n, { unit: 'ns' }, '2026-03-29T01:30:00.123Z'],
    ['without an offset, in UTC', '2026-03-29T01:30:00', { timeZone: 'UTC' }, half],
    ['without an offset, before the clock changes', '2026-03-29 01:30:00', berlin, '2026-03-29T00:30:00.000Z'],
    ['that the clock skips', '2026-03-29 02:30:00', berlin, half],
    ['that the clock shows twice', '2026-10-25 02:30:00', berlin, '2026-10-25T00:30:00.000Z'],
    ['of a zone of half hours', '2026-03-29T07:00:00', { timeZone: 'Asia/Kolkata' }, half],
    ['that is a date', '2026-03-29', berlin, '2026-03-28T23:00:00.000Z'],
    ['with an offset, wherever the file is from', '2026-03-29T01:30:00Z', berlin, half],
    ['of a leap day', '2024-02-29T00:00:00Z', {}, '2024-02-29T00:00:00.000Z'],
  ])('%s', (_, value, options, expected) => expect(read(value, options)).toBe(expected))

  test.each<[string, unknown, TimeOptions, RegExp]>([
    ['without an offset', '2026-03-29T01:30:00', {}, /--time-zone/],
    ['that is a date without a zone', '2026-03-29', {}, /--time-zone/],
    ['that is a number', 1774747800, {}, /--time-unit/],
    ['that is a number as text', '1774747800', {}, /--time-unit/],
    ['of February 30th', '2026-02-30T00:00:00Z', {}, /calendar/],
    ['of February 29th in another year', '2026-02-29T00:00:00Z', {}, /calendar/],
    ['of the 25th hour', '2026-03-29T24:00:00Z', {}, /calendar/],
    ['of a leap second', '2016-12-31T23:59:60Z', {}, /calendar/],
    ['with an offset of 99 hours', '2026-03-29T01:30:00+99:00', {}, /over a day/],
    ['with the day first', '29.03.2026 01:30', {}, /is no time/],
    ['with the month first', '03/29/2026', berlin, /is no time/],
    ['with a zone by its letters', '2026-03-29T01:30:00 CET', berlin, /is no time/],
    ['in hexadecimal', '0x69c8', { unit: 's' }, /is no time/],
    ['that is infinite', Infinity, { unit: 's' }, /is no time/],
    ['that is NaN', Number.NaN, { unit: 's' }, /is no time/],
    ['that is true', true, berlin, /is no time/],
  ])('is refused %s', (_, value, options, expected) => expect(read(value, options)).toMatch(expected))
})
