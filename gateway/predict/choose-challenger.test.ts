import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chooseChallenger, type Share } from './choose-challenger.ts'

const keys = Array.from({ length: 10_000 }, (_, index) => `customer-${index}`)

function choose(challengers: readonly Share[], model = 'm'): string[] {
  return keys.map((key) => chooseChallenger({ model, key, challengers })?.version ?? 'champion')
}

function countOf(answers: readonly string[], version: string): number {
  return answers.filter((one) => one === version).length
}

/** Versions 'a', 'b', ... with weights of at least a hundredth that leave the champion as much. */
const shares = fc
  .array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 3 })
  .map((percents) => percents.map((percent, index) => ({ version: 'abc'[index]!, weight: percent / 100 })))

describe('the choice of a challenger', () => {
  it('comes out as the weights say', () => {
    fc.assert(
      fc.property(shares, fc.string({ maxLength: 8 }), (challengers, model) => {
        const answers = choose(challengers, model)
        const rest = 1 - challengers.reduce((sum, { weight }) => sum + weight, 0)
        const chiSquare = [...challengers, { version: 'champion', weight: rest }]
          .map(({ version, weight }) => (countOf(answers, version) - weight * keys.length) ** 2 / (weight * keys.length))
          .reduce((sum, term) => sum + term)
        // The 1 - 1e-6 quantiles of chi-square with one to three degrees of freedom (SciPy's chi2.isf).
        expect(chiSquare).toBeLessThan([23.93, 27.63, 30.66][challengers.length - 1]!)
      }),
      { numRuns: 20 },
    )
  })

  it('does not depend on the order that challengers are listed in', () => {
    fc.assert(
      fc.property(shares, (challengers) => {
        expect(choose(challengers.toReversed())).toEqual(choose(challengers))
      }),
      { numRuns: 5 },
    )
  })

  it('moves the raised share only: the challenger loses nobody, and the champion gains nobody', () => {
    fc.assert(
      fc.property(shares, fc.integer({ min: 1, max: 9 }), (challengers, percent) => {
        const raised = challengers.map((share, index) => (index === 0 ? { ...share, weight: share.weight + percent / 100 } : share))
        const [before, after] = [choose(challengers), choose(raised)]
        const moved = keys.flatMap((_, index) => (before[index] === after[index] ? [] : [[before[index]!, after[index]!]]))
        expect(moved.filter(([from]) => from === 'a')).toEqual([])
        expect(moved.filter(([, to]) => to === 'champion')).toEqual([])
        if (challengers.length === 1) expect(moved.length).toBe(countOf(after, 'a') - countOf(before, 'a'))
        expect(moved.length / keys.length).toBeLessThan((2 * percent) / 100 + 0.02)
      }),
      { numRuns: 20 },
    )
  })

  it('differs between models', () => {
    const both = [{ version: '2', weight: 0.5 }]
    const other = choose(both, 'other')
    const same = choose(both, 'one').filter((version, index) => version === other[index]).length
    expect(same / keys.length).toBeCloseTo(0.5, 1)
  })
})
