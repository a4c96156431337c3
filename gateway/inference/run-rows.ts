import { ServiceError } from '../../contracts/errors.ts'
import { stackRows, takeRows } from './batch.ts'
import type { Tensor, Tensors } from '../tensors/tensor.ts'

/** Runs a session once, with the inputs as they are. */
type RunOnce = (inputs: Tensors) => Promise<Tensors>

/**
 * Runs the rows one by one, each input in the shape that a run of one row takes (by default with a first dimension of 1),
 * and gives all of an output's values for one row as a row of it.
 */
export async function runRowByRow(
  runOnce: RunOnce,
  inputs: Tensors,
  { rows, shapes }: { rows: number; shapes: Readonly<Record<string, readonly number[]>> },
): Promise<Tensors> {
  const parts: Tensors[] = []
  for (let row = 0; row < rows; row++) {
    const one = Object.entries(takeRows(inputs, [row])).map(([name, tensor]) => [name, { ...tensor, dims: shapes[name] ?? tensor.dims }])
    parts.push(await runOnce(Object.fromEntries(one) as Tensors))
  }
  const names = Object.keys(parts[0] ?? {})
  return Object.fromEntries(names.map((name) => [name, stackRows(parts.map((part) => toRow(name, part[name], parts[0]![name]!)))]))
}

function toRow(name: string, tensor: Tensor | undefined, first: Tensor): Tensor {
  if (tensor === undefined || tensor.data.length !== first.data.length)
    throw new ServiceError('inference_failed', `output ${name} has not as many values for each row`)
  const [count, ...rest] = tensor.dims
  return { ...tensor, dims: [1, ...(count === 1 ? rest : tensor.dims)] }
}
