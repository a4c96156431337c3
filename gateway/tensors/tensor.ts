import type { z } from 'zod'
import type { tensorType } from '../../contracts/version-manifest.ts'

export type TensorType = z.infer<typeof tensorType>
export type TensorData =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | BigUint64Array
  | Uint32Array
  | Uint16Array
  | Uint8Array
  | string[]
/** Row-major; bool is one byte per element, float16 its 16 bits. */
export type Tensor = { type: TensorType; dims: readonly number[]; data: TensorData }
export type Tensors = Record<string, Tensor>
