import type { Datatype } from '../../contracts/v2.ts'
import type { Tensor, TensorType } from './tensor.ts'
import type { V2Tensor } from './v2-tensor.ts'

/** The protocol's name of each type that a version's tensors can have. */
export const datatypeOf = {
  float32: 'FP32',
  float64: 'FP64',
  float16: 'FP16',
  int64: 'INT64',
  int32: 'INT32',
  int16: 'INT16',
  int8: 'INT8',
  uint64: 'UINT64',
  uint32: 'UINT32',
  uint16: 'UINT16',
  uint8: 'UINT8',
  bool: 'BOOL',
  string: 'BYTES',
} as const satisfies Record<TensorType, Datatype>

export function toV2Tensor(name: string, { type, dims, data }: Tensor): V2Tensor {
  return { name, datatype: datatypeOf[type], shape: dims, data }
}
