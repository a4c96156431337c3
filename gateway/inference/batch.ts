import type { Tensor, TensorData, Tensors } from '../tensors/tensor.ts'

/** What is to be run: inputs of so many rows, and the tensors wanted. */
export type Rows = { inputs: Tensors; outputs: readonly string[]; rows: number }

/** Whether the rows of both may stand in one run: same tensors, types and widths, and rows in the first dimension. */
export function canJoin(one: Rows, other: Rows): boolean {
  const names = Object.keys(one.inputs)
  return (
    sameItems(one.outputs, other.outputs) &&
    names.length === Object.keys(other.inputs).length &&
    names.every((name) => canStack(one, other, name)) &&
    names.length > 0
  )
}

function canStack(one: Rows, other: Rows, name: string): boolean {
  const [above, below] = [one.inputs[name], other.inputs[name]]
  if (above === undefined || below === undefined || above.type !== below.type) return false
  return above.dims[0] === one.rows && below.dims[0] === other.rows && sameItems(above.dims.slice(1), below.dims.slice(1))
}

function sameItems(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one === other || (one.length === other.length && one.every((item, index) => item === other[index]))
}

/** The rows of all, one below the other. Each must be able to join the first. */
export function joinRows(parts: readonly Rows[]): Tensors {
  const [first, ...others] = parts
  if (first === undefined) return {}
  if (others.length === 0) return first.inputs
  return Object.fromEntries(Object.keys(first.inputs).map((name) => [name, stackRows(parts.map(({ inputs }) => inputs[name]!))]))
}

/** Tensors of the same type and width, one below the other. */
export function stackRows(tensors: readonly Tensor[]): Tensor {
  const [{ type, dims, data }] = tensors as [Tensor]
  const rows = tensors.reduce((sum, tensor) => sum + (tensor.dims[0] ?? 0), 0)
  const length = tensors.reduce((sum, tensor) => sum + tensor.data.length, 0)
  const stacked = allocateLike(data, length)
  let at = 0
  for (const tensor of tensors) {
    copyInto(stacked, tensor.data, at)
    at += tensor.data.length
  }
  return { type, dims: [rows, ...dims.slice(1)], data: stacked }
}

/** Each part's own rows of every tensor; undefined when a tensor does not have one row per row of input. */
export function splitRows(tensors: Tensors, rowsOfParts: readonly number[]): Tensors[] | undefined {
  const rows = rowsOfParts.reduce((sum, part) => sum + part, 0)
  if (!haveRows(tensors, rows)) return undefined
  let from = 0
  return rowsOfParts.map((part) => {
    const start = from
    from += part
    return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, sliceRows(tensor, start, part)]))
  })
}

/** Whether the first dimension of every tensor is this. */
export function haveRows(tensors: Tensors, rows: number): boolean {
  return Object.values(tensors).every(({ dims }) => dims[0] === rows)
}

function sliceRows({ type, dims, data }: Tensor, from: number, rows: number): Tensor {
  const width = data.length / (dims[0] ?? 1)
  // The rows are copied: parts that shared a buffer could not be given away one by one.
  return { type, dims: [rows, ...dims.slice(1)], data: data.slice(from * width, (from + rows) * width) }
}

/** Rows of a sample picked by index, as new tensors. */
export function takeRows(inputs: Tensors, indices: readonly number[]): Tensors {
  const picked = Object.entries(inputs).map(([name, tensor]) => [name, stackRows(indices.map((index) => sliceRows(tensor, index, 1)))])
  return Object.fromEntries(picked) as Tensors
}

function allocateLike(data: TensorData, length: number): TensorData {
  if (Array.isArray(data)) return Array.from({ length }, () => '')
  return new (data.constructor as new (length: number) => Exclude<TensorData, string[]>)(length)
}

function copyInto(target: TensorData, source: TensorData, at: number): void {
  if (Array.isArray(target)) for (const [index, value] of source.entries()) target[at + index] = value as string
  else (target as Float32Array).set(source as Float32Array, at)
}
