import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { recordedTensor } from '../../contracts/prediction-event.ts'
import { recordTensor } from './record-tensor.ts'

const head = { name: 'x', shape: [1, 2] } as const

it.each([
  ['INT64', BigInt64Array.of(2n ** 63n - 1n, -1n), ['9223372036854775807', '-1']],
  ['FP32', Float32Array.of(Number.NaN, 0.5), ['NaN', 0.5]],
  ['BOOL', Uint8Array.of(1, 0), [true, false]],
  ['UINT8', Uint8Array.of(1, 0), [1, 0]],
  ['BYTES', ['SFO', ''], ['SFO', '']],
] as const)('a short tensor of %s is recorded whole', (datatype, data, elements) => {
  const recorded = recordTensor({ ...head, datatype, data: Array.isArray(data) ? [...data] : (data as Uint8Array) })
  expect(recorded).toEqual({ ...head, datatype, data: elements })
  expect(recordedTensor.parse(JSON.parse(JSON.stringify(recorded)))).toEqual(recorded)
})

it('a long one by the digest of its bytes, and its first elements', () => {
  const data = Float32Array.from({ length: 1025 }, (_, at) => at)
  const recorded = recordTensor({ name: 'x', datatype: 'FP32', shape: [1, 1025], data })
  const sha256 = createHash('sha256').update(new Uint8Array(data.buffer)).digest('hex')
  expect(recorded).toEqual({ name: 'x', datatype: 'FP32', shape: [1, 1025], sha256, bytes: 4100, excerpt: [...data.subarray(0, 16)] })
})

it('long texts likewise, each cut where no character is', () => {
  const text = `${'a'.repeat(63)}\u{1f6eb}`
  const recorded = recordTensor({ name: 'x', datatype: 'BYTES', shape: [1, 200], data: Array.from({ length: 200 }, () => text) })
  expect(recorded.bytes).toBe(200 * (4 + 63 + 4))
  expect(recorded.excerpt).toEqual(Array.from({ length: 16 }, () => 'a'.repeat(63)))
})
