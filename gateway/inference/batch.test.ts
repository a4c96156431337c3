import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canJoin, joinRows, type Rows, splitRows, takeRows } from './batch.ts'

const wanted = ['p']
const numbers = (values: number[], width: number): Rows => ({
  inputs: { x: { type: 'float32', dims: [values.length / width, width], data: Float32Array.from(values) } },
  outputs: wanted,
  rows: values.length / width,
})

/** Requests of one to five rows; every element is its own number. */
const requests = fc
  .tuple(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 4 }))
  .map(([rowsOf, width]) => {
    let next = 0
    return rowsOf.map((rows): Rows => {
      const elements = Array.from({ length: rows * width }, () => next++)
      const whole = { type: 'int64' as const, dims: [rows], data: BigInt64Array.from(elements.slice(0, rows), BigInt) }
      const text = { type: 'string' as const, dims: [rows, 1], data: elements.slice(0, rows).map(String) }
      return { inputs: { ...numbers(elements, width).inputs, whole, text }, outputs: wanted, rows }
    })
  })

describe('rows of several requests', () => {
  it('come back to their own requests, each element its own', () => {
    fc.assert(
      fc.property(requests, (parts) => {
        const joined = joinRows(parts)
        const split = splitRows(
          joined,
          parts.map(({ rows }) => rows),
        )
        expect(split).toEqual(parts.map(({ inputs }) => inputs))
        expect(joined['x']?.data).toEqual(Float32Array.from({ length: joined['x']!.data.length }, (_, index) => index))
      }),
    )
  })

  it('are given back in buffers of their own', () => {
    const [one, other] = splitRows(numbers([1, 2, 3, 4], 2).inputs, [1, 1])!
    expect((one!['x']!.data as Float32Array).buffer).not.toBe((other!['x']!.data as Float32Array).buffer)
  })

  it.each<[string, Partial<Rows>]>([
    ['another width', numbers([1, 2, 3], 3)],
    ['another type', { inputs: { x: { type: 'float64', dims: [1, 2], data: Float64Array.of(1, 2) } } }],
    ['another tensor', { inputs: { y: numbers([1, 2], 2).inputs['x']! } }],
    ['a tensor more', { inputs: { ...numbers([1, 2], 2).inputs, y: numbers([1, 2], 2).inputs['x']! } }],
    ['other outputs', { outputs: ['q'] }],
    ['a first dimension that is not the rows', { rows: 2 }],
  ])('do not stand in one run with %s', (_, change) => {
    const one = numbers([1, 2], 2)
    expect(canJoin(one, numbers([3, 4, 5, 6], 2))).toBe(true)
    expect(canJoin(one, { ...one, ...change })).toBe(false)
  })

  it('cannot be told apart in a tensor that does not have a row for each', () => {
    expect(splitRows(numbers([1, 2], 2).inputs, [1, 1])).toBeUndefined()
    expect(splitRows({ total: { type: 'float64', dims: [], data: Float64Array.of(3) } }, [1])).toBeUndefined()
  })

  it('are picked by index', () => {
    expect(takeRows(numbers([1, 2, 3, 4], 2).inputs, [1, 0, 1])['x']).toEqual(numbers([3, 4, 1, 2, 3, 4], 2).inputs['x'])
  })
})
