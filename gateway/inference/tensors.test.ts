import { describe, expect, it } from 'vitest'
import { ServiceError } from '../../contracts/errors.ts'
import type { Scalar } from '../../contracts/primitives.ts'
import type { Tensors, TensorType } from '../tensors/tensor.ts'
import { decodeOutputs, encodeInputs, requireEncodable } from './tensors.ts'

const input = (type: TensorType, features = ['a', 'b'], shape = [-1, features.length]) => ({ name: 'x', type, shape, features })
const row = (values: Record<string, Scalar>) => new Map(Object.entries(values))
const encode = (type: TensorType, ...rows: Record<string, Scalar>[]) => encodeInputs([input(type)], rows.map(row))['x']!

describe('encoding features', () => {
  it('fills rows in the order of the columns, whatever the order of the features', () => {
    const { data, dims } = encode('float32', { b: 2, a: 1 }, { a: 3, b: 4 })
    expect([[...data], dims]).toEqual([
      [1, 2, 3, 4],
      [2, 2],
    ])
  })

  it('says missing in each type that can', () => {
    expect([...encode('float32', { a: 1 }).data]).toEqual([1, Number.NaN])
    expect([...encode('float64', {}).data]).toEqual([Number.NaN, Number.NaN])
    expect([...encode('string', { a: 'x' }).data]).toEqual(['x', ''])
  })

  it('takes booleans for numbers and whole numbers for integers', () => {
    expect([...encode('float32', { a: true, b: false }).data]).toEqual([1, 0])
    expect([...encode('bool', { a: true, b: 0 }).data]).toEqual([1, 0])
    expect([...encode('int64', { a: -(2 ** 53 - 1), b: true }).data]).toEqual([-9007199254740991n, 1n])
    expect([...encode('int32', { a: -2147483648, b: 7 }).data]).toEqual([-2147483648, 7])
    expect([...encode('int8', { a: -128, b: 127 }).data]).toEqual([-128, 127])
    expect([...encode('uint16', { a: 65535, b: 0 }).data]).toEqual([65535, 0])
    expect([...encode('uint64', { a: '18446744073709551615', b: 7 }).data]).toEqual([2n ** 64n - 1n, 7n])
  })

  it.each([
    ['int64', { a: 1 }, 'feature_unavailable'],
    ['bool', { a: true }, 'feature_unavailable'],
    ['int64', { a: 1, b: 0.5 }, 'out_of_range'],
    ['int32', { a: 1, b: 2 ** 31 }, 'out_of_range'],
    ['int8', { a: 1, b: 128 }, 'out_of_range'],
    ['int16', { a: 1, b: -32769 }, 'out_of_range'],
    ['uint8', { a: 1, b: -1 }, 'out_of_range'],
    ['uint32', { a: 1, b: 2 ** 32 }, 'out_of_range'],
    ['int64', { a: 1, b: 2 ** 53 }, 'out_of_range'],
    ['int64', { a: 1, b: '9223372036854775808' }, 'out_of_range'],
    ['uint64', { a: 1, b: '-1' }, 'out_of_range'],
    ['float32', { a: 1, b: 1e39 }, 'not_finite'],
    ['float32', { a: 1, b: -3.4028235677973366e38 }, 'not_finite'],
    ['float16', { a: 1, b: 65_520 }, 'not_finite'],
    ['float16', { a: 1, b: -1e300 }, 'not_finite'],
  ] as const)('refuses for %s what it cannot hold: %j', (type, values, code) => {
    const check = () => requireEncodable([input(type)], row(values))
    expect(check).toThrow(ServiceError)
    expect(check).toThrow(expect.objectContaining({ code, path: 'features.b' }))
  })

  it('takes the largest number of each floating type', () => {
    expect([...encode('float32', { a: 3.4028234663852886e38, b: -3.4028235677973362e38 }).data]).toEqual([
      3.4028234663852886e38, -3.4028234663852886e38,
    ])
    expect([...encode('float16', { a: 65_504, b: 65_519 }).data]).toEqual([0x7bff, 0x7bff])
    expect([...encode('float64', { a: Number.MAX_VALUE, b: 0 }).data]).toEqual([Number.MAX_VALUE, 0])
  })

  it.each([
    [
      [-1, 1, 2],
      [1, 1, 2],
    ],
    [
      [-1, -1],
      [1, 2],
    ],
    [
      [1, 2],
      [1, 2],
    ],
    [[2], [1, 2]],
    [
      [2, 1],
      [1, 2, 1],
    ],
    [[-1], [1, 2]],
  ])('counts rows before what is one row of shape %j', (shape, dims) => {
    expect(encodeInputs([input('float32', ['a', 'b'], shape)], [row({ a: 1, b: 2 })])['x']!.dims).toEqual(dims)
  })

  it('gives a tensor without a width where the model wants none', () => {
    expect(encodeInputs([input('float32', ['a'], [-1])], [row({ a: 1 }), row({ a: 2 })])['x']!.dims).toEqual([2])
  })
})

describe('decoding outputs', () => {
  const decode = (tensors: Tensors, outputs: { tensor: string; column?: number; type?: 'number' | 'text' }[], rows = 2) =>
    decodeOutputs({
      outputs: outputs.map(({ tensor, column = 0 }, index) => ({ name: `o${index}`, tensor, column, type: 'float32' })),
      definition: { outputs: Object.fromEntries(outputs.map(({ type = 'number' }, index) => [`o${index}`, { description: '', type }])) },
      tensors,
      rows,
    })

  it('takes each output from its column', () => {
    const tensors: Tensors = {
      probabilities: { type: 'float32', dims: [2, 2], data: Float32Array.from([0.75, 0.25, 0.5, 0.5]) },
      label: { type: 'int64', dims: [2], data: BigInt64Array.from([0n, 1n]) },
    }
    expect(decode(tensors, [{ tensor: 'probabilities', column: 1 }, { tensor: 'label' }, { tensor: 'label', type: 'text' }])).toEqual([
      { o0: 0.25, o1: 0, o2: '0' },
      { o0: 0.5, o1: 1, o2: '1' },
    ])
  })

  it('fails only the rows that are not finite', () => {
    const tensors: Tensors = { p: { type: 'float64', dims: [3], data: Float64Array.from([0.5, Number.NaN, Infinity]) } }
    const [good, nan, infinite] = decode(tensors, [{ tensor: 'p' }], 3)
    expect(good).toEqual({ o0: 0.5 })
    expect([nan, infinite]).toMatchObject([{ code: 'inference_failed' }, { code: 'inference_failed' }])
  })

  it('fails when the model gave no such tensor or column', () => {
    const tensors: Tensors = { p: { type: 'float32', dims: [1, 1], data: Float32Array.from([0.5]) } }
    expect(decode(tensors, [{ tensor: 'q' }], 1)).toMatchObject([{ code: 'inference_failed' }])
    expect(decode(tensors, [{ tensor: 'p', column: 1 }], 1)).toMatchObject([{ code: 'inference_failed' }])
  })
})
