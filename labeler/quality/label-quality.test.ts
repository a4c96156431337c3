import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Estimate } from '../metrics/estimate.ts'
import { cohenKappa } from './kappa.ts'
import { type LabelSource, sourceAgreements, sourceErrors, type SourceStatement } from './label-quality.ts'

type Case = {
  name: string
  first: string[]
  second: string[]
  cluster: string[]
  kappa: number
  se: number
  t: number
  clustered_se: number
  clustered_t: number
}

// scikit-learn's kappa and statsmodels' standard error; that of clusters by testing/reference.py, which names the versions.
const { kappa: cases } = JSON.parse(readFileSync(new URL('testing/reference.json', import.meta.url), 'utf8')) as { kappa: Case[] }

test.each(cases)(
  'kappa equals the reference: $name',
  ({ first, second, cluster, kappa, se, t, clustered_se: clusteredSe, clustered_t: clusteredT }) => {
    const pairs = first.map((value, row) => ({ first: value, second: second[row]! }))
    const n = pairs.length
    // statsmodels divides by n where Student's t goes with n - 1.
    expectInterval(cohenKappa(pairs).kappa, kappa, t * se * Math.sqrt(n / (n - 1)), 1e-10)
    const clustered = cohenKappa(pairs.map((pair, row) => ({ ...pair, cluster: cluster[row] })))
    expectInterval(clustered.kappa, kappa, clusteredT * clusteredSe, 1e-7)
  },
)

function expectInterval({ value, lower, upper }: Estimate, expected: number, half: number, within: number): void {
  expect(Math.abs(value! - expected)).toBeLessThan(1e-12)
  expect(Math.abs(lower! - Math.max(-1, expected - half))).toBeLessThan(within)
  expect(Math.abs(upper! - Math.min(1, expected + half))).toBeLessThan(within)
}

test('kappa is undefined where both say one value throughout, or nothing, and 0 where one of them does', () => {
  const same = Array.from({ length: 20 }, () => ({ first: 'yes', second: 'yes' }))
  expect(cohenKappa(same)).toMatchObject({ kappa: { n: 20, method: 'none' }, agreed: { value: 1 } })
  expect(cohenKappa(same).kappa).not.toHaveProperty('value')
  expect(cohenKappa([]).kappa).toEqual({ n: 0, method: 'none' })
  expect(cohenKappa([...same, { first: 'yes', second: 'no' }]).kappa.value).toBeCloseTo(0, 12)
})

const human = (labeler: string): LabelSource => ({ kind: 'human', name: 'review', labeler })
const weak: LabelSource = { kind: 'weak', name: 'rules' }
const outcome: LabelSource = { kind: 'outcome', name: 'bank' }

function say(source: LabelSource, values: Record<string, string | number>): SourceStatement[] {
  return Object.entries(values).map(([decisionId, value]) => ({ decisionId, source, value }))
}

describe('sources', () => {
  test('agree pair by pair, on the decisions of both', () => {
    const statements = [...say(human('ann'), { a: 1, b: 0, c: 1 }), ...say(human('bob'), { b: 0, c: 0, d: 1 }), ...say(weak, { e: 1 })]
    const agreements = sourceAgreements(statements)
    expect(agreements).toHaveLength(1)
    expect(agreements[0]).toMatchObject({ first: human('ann'), second: human('bob'), n: 2, agreed: { value: 0.5 } })
  })

  test('err against the strongest kind that spoke of the decision', () => {
    const statements = [
      ...say(outcome, { a: 1, b: 0, c: 1 }),
      ...say(human('ann'), { a: 1, b: 1, d: 1 }),
      ...say(weak, { a: 0, b: 0, c: 1, d: 1, e: 1 }),
    ]
    const errors = sourceErrors(statements)
    expect(errors.map(({ source }) => source.kind)).toEqual(['human', 'weak'])
    expect(errors[0]).toMatchObject({ n: 2, error: { value: 0.5 }, confusion: { 1: { 1: 1 }, 0: { 1: 1 } } })
    expect(errors[1]).toMatchObject({ n: 4, error: { value: 0.25 }, confusion: { 1: { 0: 1, 1: 2 }, 0: { 0: 1 } }, bias: { value: -0.25 } })
  })

  test('are not held against sources that disagree among themselves', () => {
    const statements = [...say(human('ann'), { a: 1, b: 0 }), ...say(human('bob'), { a: 0, b: 0 }), ...say(weak, { a: 1, b: 1 })]
    expect(sourceErrors(statements)).toMatchObject([{ source: weak, n: 1, error: { value: 1 } }])
  })
})
