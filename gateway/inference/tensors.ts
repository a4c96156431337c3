import { ServiceError } from '../../contracts/errors.ts'
import type { ModelDefinition } from '../../contracts/model-definition.ts'
import type { Scalar } from '../../contracts/primitives.ts'
import { integerTypes, type VersionManifest } from '../../contracts/version-manifest.ts'
import { inputLayout } from '../../platform/project/input-layout.ts'
import { fromHalfBits, toHalfBits } from '../tensors/half.ts'
import type { Tensor, TensorData, Tensors, TensorType } from '../tensors/tensor.ts'

type InputTensor = VersionManifest['inputs'][number]
type OutputTensor = VersionManifest['outputs'][number]

/** One instance's feature values by name; a name that is absent is missing. */
export type FeatureRow = ReadonlyMap<string, Scalar | undefined>
export type Outputs = Record<string, Scalar>

/** Every input of a version for these rows, in order. A missing number is NaN, a missing text is empty. */
export function encodeInputs(inputs: readonly InputTensor[], rows: readonly FeatureRow[]): Tensors {
  const tensors: Tensors = {}
  for (const input of inputs) tensors[input.name] = encodeInput(input, rows)
  return tensors
}

/** Throws what keeps this row out of the version's tensors, before it can spoil a run of many. */
export function requireEncodable(inputs: readonly InputTensor[], row: FeatureRow): void {
  for (const input of inputs) {
    if (input.type === 'string') continue
    for (const name of input.features) toElement(input, name, row.get(name))
  }
}

function encodeInput(input: InputTensor, rows: readonly FeatureRow[]): Tensor {
  const width = input.features.length
  const data = allocate(input.type, rows.length * width)
  let at = 0
  for (const values of rows) for (const name of input.features) data[at++] = encodeValue(input, name, values.get(name))
  return { type: input.type, dims: [rows.length, ...(inputLayout(input.shape, width)?.row ?? [width])], data }
}

const constructors = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint64: BigUint64Array,
  uint32: Uint32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const

function allocate(type: TensorType, length: number): TensorData {
  return type === 'string' ? Array.from({ length }, () => '') : new constructors[type](length)
}

function encodeValue(input: InputTensor, feature: string, value: Scalar | undefined): never {
  const element = toElement(input, feature, value)
  return (input.type === 'float16' ? toHalfBits(element as number) : element) as never
}

function toElement(input: InputTensor, feature: string, value: Scalar | undefined): number | bigint | string {
  if (input.type === 'string') return value === undefined ? '' : String(value)
  if (value === undefined) {
    if (isFloat(input.type)) return Number.NaN
    throw new ServiceError('feature_unavailable', `${feature} is missing, and input ${input.name} of type ${input.type} cannot say so`, {
      path: `features.${feature}`,
    })
  }
  // An integer that no double holds is kept in its digits.
  if (isLong(input.type) && typeof value === 'string' && /^-?\d+$/.test(value)) return toLong(input, feature, BigInt(value))
  const number = typeof value === 'string' ? Number.NaN : Number(value)
  if (Number.isNaN(number)) throw new ServiceError('inference_failed', `${feature} is text, but input ${input.name} holds ${input.type}`)
  if (isInteger(input.type)) return toInteger(input, feature, number)
  if (!Number.isFinite(roundTo(input.type, number)))
    throw new ServiceError('not_finite', `is ${number}, which is too large for input ${input.name} of type ${input.type}`, {
      path: `features.${feature}`,
    })
  return number
}

/** The number that a tensor of the type holds. */
function roundTo(type: TensorType, value: number): number {
  if (type === 'float32') return Math.fround(value)
  return type === 'float16' ? fromHalfBits(toHalfBits(value)) : value
}

function toLong(input: InputTensor, feature: string, value: bigint): bigint {
  const fits = input.type === 'int64' ? BigInt.asIntN(64, value) === value : BigInt.asUintN(64, value) === value
  if (!fits) throw outOfRange(input, feature, value)
  return value
}

function outOfRange(input: InputTensor, feature: string, value: number | bigint): ServiceError {
  const message = `is ${value}, which input ${input.name} of type ${input.type} cannot hold`
  return new ServiceError('out_of_range', message, { path: `features.${feature}` })
}

function toInteger(input: InputTensor, feature: string, value: number): number | bigint {
  const [least, most] = ranges[input.type] ?? [0, 0]
  if (Number.isInteger(value) && !Number.isSafeInteger(value))
    throw new ServiceError('out_of_range', 'is beyond 2^53, where a JSON number is not exact any more', {
      path: `features.${feature}`,
      hint: 'the Open Inference Protocol (/v2) takes all digits of an integer',
    })
  if (!Number.isSafeInteger(value) || value < least || value > most) throw outOfRange(input, feature, value)
  return isLong(input.type) ? BigInt(value) : value
}

function isFloat(type: TensorType): boolean {
  return type === 'float32' || type === 'float64' || type === 'float16'
}

function isInteger(type: TensorType): boolean {
  return ranges[type] !== undefined
}

function isLong(type: TensorType): boolean {
  return type === 'int64' || type === 'uint64'
}

/** The range of each integer type, as far as a double goes. */
const ranges: Partial<Record<TensorType, readonly [number, number]>> = Object.fromEntries(integerTypes.map((type) => [type, rangeOf(type)]))

function rangeOf(type: TensorType): [number, number] {
  const bits = Number(/\d+$/.exec(type)?.[0])
  return type.startsWith('u') ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1]
}

/** The outputs of each row, or why a row has none. */
export function decodeOutputs(options: {
  outputs: readonly OutputTensor[]
  definition: Pick<ModelDefinition, 'outputs'>
  tensors: Tensors
  rows: number
}): (Outputs | ServiceError)[] {
  return Array.from({ length: options.rows }, (_, row) => {
    const values: Outputs = {}
    for (const output of options.outputs) {
      const value = decodeValue(output, options.tensors[output.tensor], { row, rows: options.rows })
      if (value instanceof ServiceError) return value
      values[output.name] = options.definition.outputs[output.name]?.type === 'text' ? String(value) : value
    }
    return values
  })
}

function decodeValue(output: OutputTensor, tensor: Tensor | undefined, at: { row: number; rows: number }): Scalar | ServiceError {
  const width = tensor === undefined ? 0 : tensor.data.length / at.rows
  const hasRows = Number.isInteger(width) && output.column < width
  const value = hasRows ? tensor?.data[at.row * width + output.column] : undefined
  if (value === undefined) return new ServiceError('inference_failed', `the model gave no ${output.name}`)
  if (typeof value === 'string') return value
  const number = tensor?.type === 'float16' ? fromHalfBits(Number(value)) : Number(value)
  if (!Number.isFinite(number)) return new ServiceError('inference_failed', `output ${output.name} is not finite`)
  return tensor?.type === 'bool' ? number === 1 : number
}
