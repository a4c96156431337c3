import { expect, test } from 'vitest'
import { meaningOf } from './refusals-clickhouse.ts'

test.each([
  ['60', 'no_table'],
  ['81', 'no_table'],
  ['6', 'bad_row'],
  ['376', 'bad_row'],
  ['75', 'no_space'],
  ['243', 'no_space'],
  ['241', 'other'],
  ['', 'other'],
])('code %s means %s', (code, meaning) => {
  expect(meaningOf(code)).toBe(meaning)
})
