import type { Datatype } from '../../contracts/v2.ts'
import { ServiceError, type ErrorCode } from '../../contracts/errors.ts'

/** Arrays of the datatypes that have numbers. FP16 and BF16 are their 16 bits. */
const arrays = {
  BOOL: Uint8Array,
  UINT8: Uint8Array,
  UINT16: Uint16Array,
  UINT32: Uint32Array,
  UINT64: BigUint64Array,
  INT8: Int8Array,
  INT16: Int16Array,
  INT32: Int32Array,
  INT64: BigInt64Array,
  FP16: Uint16Array,
  FP32: Float32Array,
  FP64: Float64Array,
  BF16: Uint16Array,
} as const

export type NumericDatatype = keyof typeof arrays
export type NumericArray =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float32Array
  | Float64Array

/** A tensor of the protocol, row-major. BYTES are texts in UTF-8, because the tensors of a model hold text. */
export type V2Tensor = { name: string; shape: readonly number[]; datatype: Datatype; data: NumericArray | string[] }

export function createArray(datatype: NumericDatatype, length: number): NumericArray {
  return new arrays[datatype](length)
}

/** Over the same memory, which must be aligned. Hosts that ONNX Runtime is built for are little-endian, as the protocol is. */
export function viewAs(datatype: NumericDatatype, buffer: ArrayBuffer): NumericArray {
  return new arrays[datatype](buffer)
}

export function countElements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

/** What is wrong with a tensor, said with its name. */
export function tensorFault(name: string, message: string, code: ErrorCode = 'invalid_request'): ServiceError {
  return new ServiceError(code, `tensor ${name.slice(0, 64)}: ${message}`, { path: 'inputs' })
}
