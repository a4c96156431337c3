import { expect, test } from 'vitest'
import { formatBytes, formatDuration, toTable } from './output.ts'

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [1536 * 1024, '1.5 MiB'],
  [5 * 1024 ** 4, '5.0 TiB'],
])('%i bytes read %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text)
})

test.each([
  [0.4, '0 s'],
  [119, '119 s'],
  [120, '2 min'],
  [7200, '2 h'],
  [200_000, '2 d'],
])('%d seconds read %s', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text)
})

test('a table pads each column to its widest cell', () => {
  expect(
    toTable([
      ['a', 'long header', 'c'],
      ['wide cell', 'b', ''],
    ]),
  ).toBe('a          long header  c\nwide cell  b')
})
