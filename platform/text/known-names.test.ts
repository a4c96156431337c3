import { expect, test } from 'vitest'
import { knownNames } from './known-names.ts'

test('asks after the nearest name when it is nearly the wanted one', () => {
  expect(knownNames('distence', ['origin', 'distance'])).toBe('did you mean "distance"?')
})

test('else says what there is, in order, and of many the first twelve', () => {
  expect(knownNames('price', ['origin', 'distance'])).toBe('there is distance, origin')
  const many = Array.from({ length: 14 }, (_, index) => String.fromCharCode(97 + index))
  expect(knownNames('price', many)).toBe('there is a, b, c, d, e, f, g, h, i, j, k, l, ...')
  expect(knownNames('price', [])).toBe('there are none')
})
