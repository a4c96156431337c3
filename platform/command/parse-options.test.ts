import { expect, test } from 'vitest'
import { parseCount, parseDay, wholeNumber } from './parse-options.ts'

const parsePort = wholeNumber({ from: 0, to: 65_535 })

test.each([
  ['0', 0],
  ['65535', 65_535],
])('%s is within 0 to 65535', (text, value) => {
  expect(parsePort(text)).toBe(value)
})

test.each(['', ' ', '-1', '1.5', '65536', 'Infinity', 'ten'])('%j is no whole number from 0 to 65535', (text) => {
  expect(() => parsePort(text)).toThrow('must be a whole number from 0 to 65535.')
})

test.each(['0', 'Infinity'])('%s counts nothing', (text) => {
  expect(() => parseCount(text)).toThrow('must be a whole number from 1 on.')
})

test.each(['2001-02-30', '2001-6-4', 'today'])('%s is no day', (text) => {
  expect(() => parseDay(text)).toThrow('write it as 2001-06-04.')
})
