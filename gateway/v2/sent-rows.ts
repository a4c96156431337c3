import { ServiceError } from '../../contracts/errors.ts'
import { limits, predictLimits } from '../../contracts/http.ts'
import { scalar, type Scalar } from '../../contracts/primitives.ts'
import { knownNames } from '../../platform/text/known-names.ts'
import { fromHalfBits } from '../tensors/half.ts'
import type { ServingVersion } from '../predict/serving-model.ts'
import { recordTensor } from '../tensors/record-tensor.ts'
import { datatypeOf } from '../tensors/runtime-tensor.ts'
import { tensorFault, type V2Tensor } from '../tensors/v2-tensor.ts'
import { inputShape } from './tensor-shapes.ts'
import { type SentRow } from '../predict/prediction.ts'

type Input = ServingVersion['manifest']['inputs'][number]
type BoundInput = { input: Input; tensor: V2Tensor }

/** The rows of the tensors, by the features that the version's manifest names for each column. Throws with the name of a tensor that does not fit. */
export function toSentRows({ manifest }: Pick<ServingVersion, 'manifest'>, tensors: readonly V2Tensor[]): SentRow[] {
  const { inputs } = manifest
  refuseOthers(inputs, tensors)
  const bound = inputs.map((input) => ({ input, tensor: findTensor(input, tensors) }))
  const rows = countRows(bound)
  refuseTooMany(tensors)
  return Array.from({ length: rows }, (_, row) => toRow(bound, row, rows))
}

function refuseOthers(inputs: readonly Input[], tensors: readonly V2Tensor[]): void {
  const names = inputs.map(({ name }) => name)
  for (const [index, { name }] of tensors.entries()) {
    if (!names.includes(name))
      throw new ServiceError('invalid_request', `the version has no input ${name.slice(0, 64)}`, {
        path: `inputs[${index}].name`,
        hint: knownNames(name, names),
      })
    if (tensors.findIndex((other) => other.name === name) !== index) throw tensorFault(name, 'is sent twice')
  }
}

function refuseTooMany(tensors: readonly V2Tensor[]): void {
  const elements = tensors.reduce((sum, { data }) => sum + data.length, 0)
  if (elements > predictLimits.elements)
    throw new ServiceError('invalid_request', `the tensors have ${elements} elements, and a request takes ${predictLimits.elements}`, {
      path: 'inputs',
      hint: 'split it into several requests',
    })
}

function findTensor(input: Input, tensors: readonly V2Tensor[]): V2Tensor {
  const tensor = tensors.find(({ name }) => name === input.name)
  if (tensor === undefined) throw tensorFault(input.name, 'is missing')
  const datatype = datatypeOf[input.type]
  if (tensor.datatype !== datatype) throw tensorFault(input.name, `is ${tensor.datatype}, and the version takes ${datatype}`)
  const shape = inputShape(input)
  const fits = tensor.shape.length === shape.length && shape.every((size, at) => size === -1 || size === tensor.shape[at])
  if (!fits) throw tensorFault(input.name, `has shape [${tensor.shape.join(', ')}], and the version takes [${shape.join(', ')}]`)
  return tensor
}

function countRows(bound: readonly BoundInput[]): number {
  const [first] = bound
  const rows = first?.tensor.shape[0] ?? 0
  if (rows < 1 || rows > limits.items)
    throw tensorFault(first?.input.name ?? '', `has ${rows} rows, and a request takes 1 to ${limits.items}`)
  const other = bound.find(({ tensor }) => tensor.shape[0] !== rows)
  if (other !== undefined) throw tensorFault(other.input.name, `has ${other.tensor.shape[0]} rows, and ${first?.input.name} ${rows}`)
  return rows
}

function toRow(bound: readonly BoundInput[], row: number, rows: number): SentRow {
  const values = new Map<string, Scalar | undefined>()
  const inputs = bound.map(({ input, tensor }) => {
    const width = tensor.data.length / rows
    const data = tensor.data.slice(row * width, (row + 1) * width)
    for (const [column, feature] of input.features.entries()) values.set(feature, toScalar(tensor, valueOf(tensor, data[column])))
    return recordTensor({ ...tensor, shape: [1, ...tensor.shape.slice(1)], data })
  })
  return { values, inputs }
}

function valueOf({ datatype }: V2Tensor, element: number | bigint | string | undefined): number | bigint | string | undefined {
  return datatype === 'FP16' ? fromHalfBits(Number(element)) : element
}

/** NaN is what models read as missing. An integer that no double holds becomes its decimal digits. */
function toScalar({ name, datatype }: V2Tensor, value: number | bigint | string | undefined): Scalar | undefined {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
  if (typeof value === 'string') {
    if (!scalar.safeParse(value).success) throw tensorFault(name, 'an element has more than 1024 characters', 'out_of_range')
    return value
  }
  if (value === undefined || Number.isNaN(value)) return undefined
  if (!Number.isFinite(value)) throw tensorFault(name, 'an element is infinite', 'not_finite')
  return datatype === 'BOOL' ? value === 1 : value
}
