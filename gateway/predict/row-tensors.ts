import { ServiceError } from '../../contracts/errors.ts'
import { fromHalfBits } from '../tensors/half.ts'
import type { Tensor, TensorData, Tensors, TensorType } from '../tensors/tensor.ts'
import { type InstanceResult } from './prediction.ts'

/**
 * The result with its own row of the tensors that the model gave, for a caller that asked in tensors. A row that no answer
 * can hold is an error.
 */
export function withRowTensors(result: InstanceResult, tensors: Tensors | undefined, at: { row: number; rows: number }): InstanceResult {
  if (result.error !== undefined || result.instance.row === undefined || tensors === undefined) return result
  const own: Tensors = {}
  for (const [name, tensor] of Object.entries(tensors)) {
    const width = tensor.data.length / at.rows
    const data = Number.isInteger(width) ? rowOf(tensor.data, at.row * width, width) : undefined
    if (data === undefined || !isFinite(tensor.type, data)) {
      const message = data === undefined ? `output ${name} does not have ${at.rows} rows` : `output ${name} is not finite`
      return { instance: result.instance, features: result.features, error: new ServiceError('inference_failed', message) }
    }
    own[name] = { type: tensor.type, dims: rowDims(tensor, width), data }
  }
  return { ...result, tensors: own }
}

function rowOf(data: TensorData, from: number, width: number): TensorData {
  return Array.isArray(data) ? data.slice(from, from + width) : data.subarray(from, from + width)
}

function isFinite(type: TensorType, data: TensorData): boolean {
  if (type === 'float16') return (data as Uint16Array).every((bits) => Number.isFinite(fromHalfBits(bits)))
  return data instanceof Float32Array || data instanceof Float64Array ? data.every(Number.isFinite) : true
}

/** The first dimension is the row. A model that gives flat values for all rows has none. */
function rowDims({ dims }: Tensor, width: number): number[] {
  const rest = dims.slice(1)
  const fits = rest.reduce((product, size) => product * size, 1) === width
  return [1, ...(fits ? rest : [width])]
}
