import { expect, test } from 'vitest'
import { syntheticCells } from './testing/cells.ts'
import { measureCell } from './testing/measure-cell.ts'

const simulations = 200

// Of 200 null courses with a probability of 0.05 each more than 19 are called once in a thousand.
test.each(syntheticCells())('$name', ({ name, ...cell }) => {
  const [measured] = measureCell({ name, ...cell }, simulations)
  if (cell.most !== undefined) expect(measured!.called * simulations).toBeLessThanOrEqual(19)
  else expect(measured!.calledBetter).toBeGreaterThan(0.8)
})

test('either gate alone calls what only looks like a difference', () => {
  const measuredOf = (name: string) =>
    measureCell(
      syntheticCells().find((cell) => cell.name.includes(name))!,
      50,
    )[0]!
  expect(measuredOf('the same entities').blocksAlone).toBeGreaterThan(0.5)
  expect(measuredOf('day shock').clustersAlone).toBeGreaterThan(0.5)
})
