import type { Datatype } from '../../contracts/v2.ts'
import { isMarked, unmark } from './long-integers.ts'
import { countElements, createArray, type NumericDatatype, tensorFault, type V2Tensor } from '../tensors/v2-tensor.ts'

type TensorHeader = Pick<V2Tensor, 'name' | 'shape' | 'datatype'>

/** A tensor from its JSON `data`, nested or flat. Long integers are marked (`long-integers.ts`). Throws with the tensor's name. */
export function decodeJsonTensor(head: TensorHeader, data: readonly unknown[]): V2Tensor {
  const { name, shape, datatype } = head
  const elements = flatten(head, data)
  const count = countElements(shape)
  if (elements.length !== count) throw tensorFault(name, `shape [${shape.join(', ')}] holds ${count} elements, data ${elements.length}`)
  if (datatype === 'BYTES') return { ...head, data: elements.map((element) => toText(name, element)) }
  if (datatype === 'FP16' || datatype === 'BF16')
    throw tensorFault(name, `${datatype} has no form in JSON; send it in binary form, or as FP32`)
  const array = createArray(datatype, count)
  for (let at = 0; at < count; at++) array[at] = toNumber(head, elements[at]) as never
  return { ...head, data: array }
}

function flatten(head: TensorHeader, data: readonly unknown[]): readonly unknown[] {
  if (!Array.isArray(data[0])) return data
  const elements: unknown[] = []
  collect(head, data, { depth: 0, elements })
  return elements
}

function collect(head: TensorHeader, data: readonly unknown[], into: { depth: number; elements: unknown[] }): void {
  const { depth, elements } = into
  if (data.length !== head.shape[depth]) throw wrongNesting(head)
  if (depth === head.shape.length - 1) {
    for (const element of data) elements.push(element)
    return
  }
  for (const part of data) {
    if (!Array.isArray(part)) throw wrongNesting(head)
    collect(head, part, { depth: depth + 1, elements })
  }
}

function wrongNesting({ name, shape }: TensorHeader): Error {
  return tensorFault(name, `data is not nested as shape [${shape.join(', ')}] says`)
}

function toText(name: string, element: unknown): string {
  if (typeof element !== 'string' || isMarked(element)) throw tensorFault(name, 'BYTES elements must be texts')
  return element
}

const integerRanges: Partial<Record<Datatype, readonly [bigint, bigint]>> = {
  UINT8: [0n, 2n ** 8n - 1n],
  UINT16: [0n, 2n ** 16n - 1n],
  UINT32: [0n, 2n ** 32n - 1n],
  UINT64: [0n, 2n ** 64n - 1n],
  INT8: [-(2n ** 7n), 2n ** 7n - 1n],
  INT16: [-(2n ** 15n), 2n ** 15n - 1n],
  INT32: [-(2n ** 31n), 2n ** 31n - 1n],
  INT64: [-(2n ** 63n), 2n ** 63n - 1n],
}

function toNumber({ name, datatype }: TensorHeader & { datatype: Datatype }, element: unknown): number | bigint {
  if (datatype === 'BOOL') {
    if (typeof element !== 'boolean') throw tensorFault(name, 'BOOL elements must be true or false')
    return element ? 1 : 0
  }
  const value = typeof element === 'string' ? unmark(element) : element
  if (typeof value !== 'number' && typeof value !== 'bigint') throw tensorFault(name, `${datatype} elements must be numbers`)
  const range = integerRanges[datatype]
  return range === undefined ? toFloat(name, datatype, value) : toInteger({ name, datatype, value, range })
}

function toFloat(name: string, datatype: Datatype, value: number | bigint): number {
  const number = datatype === 'FP32' ? Math.fround(Number(value)) : Number(value)
  if (!Number.isFinite(number)) throw tensorFault(name, `${shown(value)} is too large for ${datatype}`, 'not_finite')
  return number
}

type Integer = { name: string; datatype: Datatype; value: number | bigint; range: readonly [bigint, bigint] }

function toInteger({ name, datatype, value, range }: Integer): number | bigint {
  if (typeof value === 'number' && !Number.isInteger(value))
    throw tensorFault(name, `${value} is no integer, and the tensor is ${datatype}`)
  if (value < range[0] || value > range[1]) throw tensorFault(name, `${shown(value)} does not fit ${datatype}`, 'out_of_range')
  if (typeof value === 'number' && !Number.isSafeInteger(value))
    throw tensorFault(name, 'an integer beyond 2^53 must be written with all its digits, without point or exponent')
  return datatype === 'INT64' || datatype === 'UINT64' ? BigInt(value) : Number(value)
}

/** An integer as messages show it: a client's may have any number of digits. */
function shown(value: number | bigint): string {
  const text = String(value)
  return text.length > 40 ? `${text.slice(0, 40)}...` : text
}

/** The elements as JSON text, flat: a 64-bit integer has more digits than a JSON number of JavaScript keeps. */
export function encodeJsonData({ name, datatype, data }: V2Tensor): string {
  if (datatype === 'BYTES') return JSON.stringify(data)
  if (datatype === 'FP16' || datatype === 'BF16') throw tensorFault(name, `${datatype} has no form in JSON; ask for it in binary form`)
  const texts = Array.from(data as ArrayLike<number | bigint>, (value) => toJson(datatype, value))
  return `[${texts.join(',')}]`
}

function toJson(datatype: NumericDatatype, value: number | bigint): string {
  if (datatype === 'BOOL') return value === 0 ? 'false' : 'true'
  return Object.is(value, -0) ? '-0.0' : String(value)
}
