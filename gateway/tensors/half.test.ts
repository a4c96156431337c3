import { expect, it } from 'vitest'
import { fromHalfBits, toHalfBits } from './half.ts'

// IEEE 754 binary16, as https://en.wikipedia.org/wiki/Half-precision_floating-point_format has it.
it.each([
  [0x3c00, 1],
  [0xc000, -2],
  [0x7bff, 65_504],
  [0x0001, 2 ** -24],
  [0x3555, 0.333251953125],
  [0x7c00, Number.POSITIVE_INFINITY],
  [0x7e00, Number.NaN],
])('%i is %d', (bits, value) => {
  expect(fromHalfBits(bits)).toBe(value)
  expect(toHalfBits(value)).toBe(bits)
})

it('has every one of its numbers, there and back', () => {
  for (let bits = 0; bits < 0x7c00; bits++) expect(toHalfBits(fromHalfBits(bits))).toBe(bits)
})
