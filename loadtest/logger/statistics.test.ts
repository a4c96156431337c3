import { expect, test } from 'vitest'
import { quantile, spreadOf } from './statistics.ts'

test('quantiles are NumPy\u2019s, whose default is the same definition', () => {
  // numpy.quantile([15, 20, 35, 40, 50], [0, 0.4, 0.5, 0.99, 1])
  expect([0, 0.4, 0.5, 0.99, 1].map((share) => quantile([50, 15, 40, 35, 20], share))).toEqual([15, 29, 35, 49.6, 50])
})

test('a spread is the median with the least and the most', () => {
  expect(spreadOf([3, 1, 2, 10])).toEqual({ median: 2.5, min: 1, max: 10 })
})
