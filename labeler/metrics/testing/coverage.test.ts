import { expect, test } from 'vitest'
import { measureCoverage } from './coverage.ts'

// A short form of what `npm run measure:intervals` measures: with 200 simulations the share of a level of 95 % lies within 89 and 99 % but
// for one time in a thousand. Intervals that took clustered rows as independent would hold 60 to 80 %.
test.each([
  { name: 'independent', n: 200, rowsPerEntity: 1, days: 30, centre: 0 },
  { name: 'clustered', n: 1000, rowsPerEntity: 20, days: 40, centre: 0 },
])('intervals of $name rows hold the truth as often as they say', (population) => {
  const results = measureCoverage(population, { simulations: 200, seed: 42, truthRows: 200_000 })
  const shares = results.map(({ metric, covered, intervals }) => ({ metric, intervals, share: covered / intervals }))
  expect(shares.filter(({ share, intervals }) => intervals < 190 || share < 0.89 || share > 0.995)).toEqual([])
})
