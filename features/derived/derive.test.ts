import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { derivation, type Derivation } from '../../contracts/model-definition.ts'
import type { Scalar } from '../../contracts/primitives.ts'
import { derive, type DerivedFrom } from './derive.ts'

const zones = { name: 'zones', description: '', owner: 'tests', entity: 'airport', values: { HNL: 'Pacific/Honolulu' } }

function from(values: Record<string, Scalar>, entities: Record<string, string> = {}): DerivedFrom {
  const anchorTimeMs = Date.parse('2001-06-04T09:59:00Z')
  return { anchorTimeMs, entities, valueOf: (name) => values[name], lookups: new Map([['zones', zones]]) }
}

const byOrigin = { lookup: 'zones', entity: 'origin' }

describe('derive', () => {
  test.each<[Derivation, Record<string, Scalar>, number]>([
    [{ function: 'hour', time_zone: 'UTC' }, {}, 9],
    [{ function: 'hour', time_zone: byOrigin }, {}, 23],
    [{ function: 'weekday', time_zone: 'UTC' }, {}, 1],
    [{ function: 'weekday', time_zone: byOrigin }, {}, 7],
    [{ function: 'log1p', of: 'x' }, { x: Math.E - 1 }, 1],
    [{ function: 'ratio', a: 'x', b: 'y' }, { x: 3, y: 4 }, 0.75],
    [{ function: 'difference', a: 'x', b: 'y' }, { x: 3, y: 4 }, -1],
    [{ function: 'bucketize', of: 'x', boundaries: [0, 10, 20] }, { x: -1 }, 0],
    [{ function: 'bucketize', of: 'x', boundaries: [0, 10, 20] }, { x: 10 }, 2],
    [{ function: 'bucketize', of: 'x', boundaries: [0, 10, 20] }, { x: 99 }, 3],
    [{ function: 'one_hot', of: 'x', category: 'a' }, { x: 'a' }, 1],
    [{ function: 'one_hot', of: 'x', category: 'a' }, { x: 'b' }, 0],
    [{ function: 'one_hot', of: 'x', category: 1 }, { x: '1' }, 0],
  ])('%j of %j is %d', (derivation, values, expected) => {
    expect(derive(derivation, from(values, { origin: 'HNL' }))).toEqual({ value: expected })
  })

  test.each<[Derivation, Record<string, Scalar>, Record<string, string>, string]>([
    [{ function: 'hour', time_zone: byOrigin }, {}, {}, 'missing_input'],
    [{ function: 'hour', time_zone: byOrigin }, {}, { origin: 'constructor' }, 'not_in_lookup'],
    [{ function: 'weekday', time_zone: byOrigin }, {}, { origin: 'XXX' }, 'not_in_lookup'],
    [{ function: 'log1p', of: 'x' }, {}, {}, 'missing_input'],
    [{ function: 'log1p', of: 'x' }, { x: -1 }, {}, 'undefined_result'],
    [{ function: 'log1p', of: 'x' }, { x: -2 }, {}, 'undefined_result'],
    [{ function: 'ratio', a: 'x', b: 'y' }, { x: 1, y: 0 }, {}, 'undefined_result'],
    [{ function: 'ratio', a: 'x', b: 'y' }, { x: 1 }, {}, 'missing_input'],
    [{ function: 'difference', a: 'x', b: 'y' }, { x: 1e308, y: -1e308 }, {}, 'undefined_result'],
    [{ function: 'one_hot', of: 'x', category: 'a' }, {}, {}, 'missing_input'],
  ])('%j of %j, %j is missing: %4$s', (derivation, values, entities, reason) => {
    expect(derive(derivation, from(values, entities))).toEqual({ missing: reason })
  })

  test('never gives what JSON cannot hold', () => {
    const number = fc.double({ noNaN: true, noDefaultInfinity: true })
    const functions = fc.constantFrom<Derivation[]>(
      { function: 'log1p', of: 'x' },
      { function: 'ratio', a: 'x', b: 'y' },
      { function: 'difference', a: 'x', b: 'y' },
      { function: 'bucketize', of: 'x', boundaries: [0, 1] },
    )
    fc.assert(
      fc.property(functions, number, number, (derivation, x, y) => {
        const result = derive(derivation, from({ x, y }))
        if ('value' in result) expect(JSON.parse(JSON.stringify(result.value))).toBe(result.value)
      }),
    )
  })

  test('knows every function of the contract', () => {
    const names = derivation.options.map((option) => option.shape.function.value)
    for (const name of names) {
      const parsed = derivation.parse({
        function: name,
        ...(name === 'hour' || name === 'weekday' ? {} : name === 'ratio' || name === 'difference' ? { a: 'x', b: 'y' } : { of: 'x' }),
        ...(name === 'bucketize' && { boundaries: [1] }),
        ...(name === 'one_hot' && { category: 1 }),
      })
      expect(derive(parsed, from({ x: 1, y: 2 }))).toHaveProperty('value')
    }
  })
})
