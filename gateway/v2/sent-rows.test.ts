import { expect, it } from 'vitest'
import { predictLimits } from '../../contracts/http.ts'
import type { ServingVersion } from '../predict/serving-model.ts'
import { toSentRows } from './sent-rows.ts'

const input = (name: string, type: string, width: number) => ({
  name,
  type,
  shape: [-1, width],
  features: Array.from({ length: width }, (_, column) => `${name}_${column}`),
})
const versionOf = (...inputs: ReturnType<typeof input>[]) => ({ manifest: { inputs } }) as unknown as Pick<ServingVersion, 'manifest'>

it('each row has the features of all its tensors, and its own part of each', () => {
  const version = versionOf(input('a', 'float32', 2), input('b', 'string', 1), input('c', 'int64', 1))
  const rows = toSentRows(version, [
    { name: 'c', datatype: 'INT64', shape: [2, 1], data: BigInt64Array.of(7n, 2n ** 53n + 1n) },
    { name: 'a', datatype: 'FP32', shape: [2, 2], data: Float32Array.of(1, 2, 3, Number.NaN) },
    { name: 'b', datatype: 'BYTES', shape: [2, 1], data: ['x', 'y'] },
  ])
  expect(rows.map(({ values }) => Object.fromEntries(values))).toEqual([
    { a_0: 1, a_1: 2, b_0: 'x', c_0: 7 },
    { a_0: 3, a_1: undefined, b_0: 'y', c_0: '9007199254740993' },
  ])
  expect(rows[1]?.inputs).toEqual([
    { name: 'a', datatype: 'FP32', shape: [1, 2], data: [3, 'NaN'] },
    { name: 'b', datatype: 'BYTES', shape: [1, 1], data: ['y'] },
    { name: 'c', datatype: 'INT64', shape: [1, 1], data: ['9007199254740993'] },
  ])
})

it('all tensors have the same rows', () => {
  const tensors = [
    { name: 'a', datatype: 'FP32' as const, shape: [2, 1], data: Float32Array.of(1, 2) },
    { name: 'b', datatype: 'FP32' as const, shape: [1, 1], data: Float32Array.of(1) },
  ]
  expect(() => toSentRows(versionOf(input('a', 'float32', 1), input('b', 'float32', 1)), tensors)).toThrow('tensor b: has 1 rows, and a 2')
})

it('a request is bounded in elements, and a text in characters', () => {
  const width = predictLimits.elements / 8
  const send = (rows: number) =>
    toSentRows(versionOf(input('a', 'float32', width)), [
      { name: 'a', datatype: 'FP32', shape: [rows, width], data: new Float32Array(rows * width) },
    ])
  expect(send(8)).toHaveLength(8)
  expect(() => send(9)).toThrow(`a request takes ${predictLimits.elements}`)
  const text = [{ name: 'b', datatype: 'BYTES' as const, shape: [1, 1], data: ['a'.repeat(1025)] }]
  expect(() => toSentRows(versionOf(input('b', 'string', 1)), text)).toThrow('tensor b: an element has more than 1024 characters')
})
