import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ServiceError } from '../../contracts/errors.ts'
import type { Datatype } from '../../contracts/v2.ts'
import { decodeBinaryTensor, encodeBinaryTensor } from '../tensors/binary-tensor.ts'
import { decodeJsonTensor, encodeJsonData } from './json-tensor.ts'
import { markLongIntegers, parseWithLongIntegers, unmark } from './long-integers.ts'
import { countElements, createArray, type NumericDatatype, type V2Tensor } from '../tensors/v2-tensor.ts'

const float = { noNaN: true, noDefaultInfinity: true }
const elements = {
  BOOL: fc.constantFrom(0, 1),
  UINT8: fc.nat(255),
  UINT16: fc.nat(65_535),
  UINT32: fc.nat(2 ** 32 - 1),
  UINT64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  INT8: fc.integer({ min: -128, max: 127 }),
  INT16: fc.integer({ min: -32_768, max: 32_767 }),
  INT32: fc.integer(),
  INT64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  FP16: fc.nat(65_535),
  FP32: fc.float(float),
  FP64: fc.double(float),
  BF16: fc.nat(65_535),
  BYTES: fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
} satisfies Record<Datatype, fc.Arbitrary<number | bigint | string>>

const inJson = (Object.keys(elements) as Datatype[]).filter((datatype) => datatype !== 'FP16' && datatype !== 'BF16')

function tensorOf(datatypes: readonly Datatype[]): fc.Arbitrary<V2Tensor> {
  return fc
    .record({ datatype: fc.constantFrom(...datatypes), shape: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 4 }) })
    .chain(({ datatype, shape }) => {
      const count = countElements(shape)
      return fc.array<number | bigint | string>(elements[datatype], { minLength: count, maxLength: count }).map((values) => ({
        name: 'x',
        datatype,
        shape,
        data: datatype === 'BYTES' ? (values as string[]) : fill(datatype, values),
      }))
    })
}

function fill(datatype: NumericDatatype, values: readonly unknown[]): V2Tensor['data'] {
  const array = createArray(datatype, values.length)
  for (const [at, value] of values.entries()) array[at] = value as never
  return array
}

const headOf = ({ name, shape, datatype }: V2Tensor) => ({ name, shape, datatype })
const readJson = (data: string) => (parseWithLongIntegers(`{"data":${data}}`) as { data: unknown[] }).data

/** Flat elements as JSON text, nested by the shape. */
function nest(texts: readonly string[], shape: readonly number[]): string {
  const [size = 0, ...rest] = shape
  const width = countElements(rest)
  const parts = Array.from({ length: size }, (_, at) => texts.slice(at * width, (at + 1) * width))
  return `[${parts.map((part) => (rest.length === 0 ? part[0] : nest(part, rest))).join(',')}]`
}

describe('a tensor survives', () => {
  it('its binary form, whatever it holds', () => {
    fc.assert(
      fc.property(tensorOf(Object.keys(elements) as Datatype[]), fc.nat(7), (tensor, offset) => {
        const bytes = encodeBinaryTensor(tensor)
        // The bytes stand behind JSON of any length: nothing says that tensors lie aligned.
        const body = Buffer.concat([Buffer.alloc(offset), bytes])
        expect(decodeBinaryTensor(headOf(tensor), body.subarray(offset))).toEqual(tensor)
      }),
    )
  })

  it('JSON, whatever it holds, with every bit of its integers', () => {
    fc.assert(
      fc.property(tensorOf(inJson), (tensor) => {
        expect(decodeJsonTensor(headOf(tensor), readJson(encodeJsonData(tensor)))).toEqual(tensor)
      }),
    )
  })

  it('JSON that is nested as its shape says', () => {
    fc.assert(
      fc.property(
        tensorOf(inJson).filter(({ shape }) => !shape.includes(0)),
        (tensor) => {
          const texts = Array.from(tensor.data as ArrayLike<unknown>, (_, at) =>
            encodeJsonData({ ...tensor, data: tensor.data.slice(at, at + 1) }).slice(1, -1),
          )
          expect(decodeJsonTensor(headOf(tensor), readJson(nest(texts, tensor.shape)))).toEqual(tensor)
        },
      ),
    )
  })
})

describe('long integers', () => {
  // Names that the parser refuses are none of this test's.
  const acceptedJson = fc.json().filter((text) => !/__proto__|constructor|\\u0000|data/.test(text))

  it('are found in the data of any JSON, and change nothing else', () => {
    fc.assert(
      fc.property(acceptedJson, fc.bigInt(), (json, integer) => {
        const text = `{"a":${json},"b":12345678901234567890,"12345678901234567890":"-12345678901234567890","data":[ ${integer}]}`
        const { data, ...rest } = parseWithLongIntegers(text) as { data: unknown[] }
        const { data: _, ...expected } = JSON.parse(text) as { data: unknown[] }
        expect(typeof data[0] === 'string' ? unmark(data[0]) : BigInt(data[0] as number)).toBe(integer)
        expect(rest).toEqual(expected)
      }),
    )
  })

  it('are none that a client writes as ours are written', () => {
    expect(() => readJson('["\\u0000integer:5"]')).toThrow('U+0000')
  })

  it.each(['1e20', '12345678901234567.5', '1.2345678901234567', '00012345678901234567', '-', '1-2345678901234567890'])(
    'are not found in %s',
    (literal) => expect(markLongIntegers(`[${literal}]`)).toBe(`[${literal}]`),
  )
})

describe('what a tensor cannot hold is refused with its name', () => {
  const cases: [Datatype, string][] = [
    ['INT8', '[128]'],
    ['UINT8', '[-1]'],
    ['INT32', '[1.5]'],
    ['INT64', '[9223372036854775808]'],
    ['INT64', '[1e300]'],
    ['INT64', '[true]'],
    ['UINT64', '[18446744073709551616]'],
    ['FP32', '[1e39]'],
    ['FP32', '["1"]'],
    ['FP64', '[null]'],
    ['BOOL', '[1]'],
    ['BYTES', '[1]'],
    ['BYTES', '[12345678901234567890]'],
    ['FP16', '[1]'],
    ['BF16', '[1]'],
    ['FP32', '[]'],
    ['FP32', '[1,2]'],
    ['FP32', '[[1]]'],
    ['FP32', '[1,[2]]'],
  ]
  it.each(cases)('%s %s', (datatype, data) => {
    const decode = () => decodeJsonTensor({ name: 'speed', datatype, shape: [1] }, readJson(data))
    expect(decode).toThrow(ServiceError)
    expect(decode).toThrow(/^tensor speed: /)
  })

  it.each([
    ['FP32', [0, 0, 0], 'takes 4 bytes'],
    ['BOOL', [2], '0 or 1'],
    ['BYTES', [9, 0, 0, 0, 65], 'ends behind'],
    ['BYTES', [1, 0], 'ends behind'],
    ['BYTES', [], 'has 0 elements'],
    ['BYTES', [0, 0, 0, 0, 0, 0, 0, 0], 'bytes behind'],
    ['BYTES', [1, 0, 0, 0, 255], 'UTF-8'],
    ['BYTES', [1, 0, 0, 0, 0], 'U\\+0000'],
  ] as const)('%s as bytes %j', (datatype, bytes, message) => {
    const decode = () => decodeBinaryTensor({ name: 'speed', datatype, shape: [1] }, Uint8Array.from(bytes))
    expect(decode).toThrow(new RegExp(`^tensor speed: .*${message}`))
  })

  it.each([
    ['[1e18]', 'with all its digits'],
    ['[9223372036854775807.0]', 'does not fit INT64|with all its digits'],
    [`[${'9'.repeat(1000)}]`, '^.{0,100}$'],
  ])('INT64 %s, in few words', (data, message) => {
    expect(() => decodeJsonTensor({ name: 'speed', datatype: 'INT64', shape: [1] }, readJson(data))).toThrow(new RegExp(message))
  })

  it.each(['[[1,2],[3]]', '[[1],[2],[3],[4]]', '[[1,2],3]', '[[[1],[2]],[[3],[4]]]'])('nested otherwise than its shape: %s', (data) => {
    expect(() => decodeJsonTensor({ name: 'speed', datatype: 'FP32', shape: [2, 2] }, readJson(data))).toThrow(/tensor speed/)
  })
})
