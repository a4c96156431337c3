import { ServiceError } from '../../contracts/errors.ts'
import { v2InferRequest, type V2InferRequest } from '../../contracts/v2.ts'
import { decodeUtf8 } from '../http/json-body.ts'
import { createValidator } from '../http/validate.ts'
import { decodeBinaryTensor } from '../tensors/binary-tensor.ts'
import { decodeJsonTensor } from './json-tensor.ts'
import { parseWithLongIntegers } from './long-integers.ts'
import { tensorFault, type V2Tensor } from '../tensors/v2-tensor.ts'
import type { SentBody } from './sent-body.ts'

/** The outputs that an infer request asks for, and the tensors that it sends. */
export type InferRequest = {
  id: string | undefined
  parameters: WithoutNulls<NonNullable<V2InferRequest['parameters']>>
  tensors: V2Tensor[]
  /** The wanted outputs; undefined for all. */
  outputs: { name: string; binary: boolean }[] | undefined
  binaryByDefault: boolean
}

const validateRequest = createValidator(v2InferRequest)

/** Parses a body that has JSON, with or without tensors in binary form behind it. */
export function parseInferRequest({ json, binary }: Pick<SentBody, 'json' | 'binary'>): InferRequest {
  const request = validateRequest(parseWithLongIntegers(decodeUtf8(json)))
  const parameters = withoutNulls(request.parameters)
  refuseUnsupported('parameters', parameters)
  const binaryByDefault = parameters.binary_data_output ?? false
  return {
    id: request.id || undefined,
    parameters,
    tensors: toTensors(request.inputs, binary),
    outputs: toOutputs(request.outputs ?? [], binaryByDefault),
    binaryByDefault,
  }
}

function toOutputs(outputs: NonNullable<V2InferRequest['outputs']>, binaryByDefault: boolean): InferRequest['outputs'] {
  if (outputs.length === 0) return undefined
  return outputs.map((output, index) => {
    const parameters = withoutNulls(output.parameters)
    refuseUnsupported(`outputs[${index}].parameters`, parameters)
    return { name: output.name, binary: booleanOr(parameters['binary_data'], binaryByDefault) }
  })
}

type SentTensor = V2InferRequest['inputs'][number]

function toTensors(inputs: readonly SentTensor[], binary: Uint8Array): V2Tensor[] {
  let at = 0
  const tensors = inputs.map((input, index) => {
    const parameters = withoutNulls(input.parameters)
    refuseUnsupported(`inputs[${index}].parameters`, parameters)
    const size = parameters['binary_data_size']
    if (size === undefined) return fromJson(input)
    if (isPresent(input.data)) throw tensorFault(input.name, 'has both data and binary_data_size')
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
      throw tensorFault(input.name, 'binary_data_size must be a number of bytes')
    if (at + size > binary.byteLength) throw tensorFault(input.name, `the body ends before its ${size} bytes`)
    at += size
    return decodeBinaryTensor(headOf(input), binary.subarray(at - size, at))
  })
  if (at !== binary.byteLength)
    throw new ServiceError('invalid_request', `${binary.byteLength - at} bytes behind the JSON belong to no tensor`)
  return tensors
}

function fromJson(input: SentTensor): V2Tensor {
  if (!isPresent(input.data)) throw tensorFault(input.name, 'has neither data nor binary_data_size')
  return decodeJsonTensor(headOf(input), input.data)
}

function headOf({ name, shape, datatype }: SentTensor): Pick<V2Tensor, 'name' | 'shape' | 'datatype'> {
  return { name, shape, datatype }
}

function booleanOr(value: unknown, otherwise: boolean): boolean {
  return typeof value === 'boolean' ? value : otherwise
}

type WithoutNulls<T> = { [Name in keyof T]: Exclude<T[Name], null> }

/** Leaves out members that are null, which clients send for what they do not state. */
function withoutNulls<T extends object>(members: T | null | undefined): WithoutNulls<T> {
  return Object.fromEntries(Object.entries(members ?? {}).filter(([, value]) => isPresent(value))) as WithoutNulls<T>
}

function isPresent<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined
}

/** Parameters that are refused because they change what an answer means; others that are not known are let be, as the protocol wants. */
const unsupported = ['shared_memory_region', 'classification', 'sequence_id'] as const

function refuseUnsupported(path: string, parameters: Readonly<Record<string, unknown>>): void {
  const name = unsupported.find(
    (parameter) => parameters[parameter] !== undefined && parameters[parameter] !== 0 && parameters[parameter] !== '',
  )
  if (name !== undefined) throw new ServiceError('invalid_request', 'is not supported', { path: `${path}.${name}` })
}
