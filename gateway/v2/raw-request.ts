import { elementBytes } from '../../contracts/v2.ts'
import type { ServingVersion } from '../predict/serving-model.ts'
import { ServiceError } from '../../contracts/errors.ts'
import { decodeBinaryTensor, decodeText } from '../tensors/binary-tensor.ts'
import { datatypeOf } from '../tensors/runtime-tensor.ts'
import { tensorFault, type V2Tensor } from '../tensors/v2-tensor.ts'
import type { InferRequest } from './infer-request.ts'

/** A body that is nothing but the elements of a version's only input: their number tells the rows. A BYTES body is one element, without a length. */
export function parseRawRequest(bytes: Uint8Array, { version, manifest }: Pick<ServingVersion, 'version' | 'manifest'>): InferRequest {
  const [input, ...others] = manifest.inputs
  if (input === undefined || others.length > 0)
    throw new ServiceError('invalid_request', `a raw body is for versions with one input, and version ${version} has ${others.length + 1}`)
  return { id: undefined, parameters: {}, tensors: [toTensor(input, bytes)], outputs: undefined, binaryByDefault: true }
}

function toTensor(input: ServingVersion['manifest']['inputs'][number], bytes: Uint8Array): V2Tensor {
  const { name, shape } = input
  const datatype = datatypeOf[input.type]
  if (datatype === 'BYTES') return { name, datatype, shape: shape.map(() => 1), data: [decodeText(name, bytes)] }
  const rest = shape.slice(1)
  const rowBytes = elementBytes[datatype] * rest.reduce((product, size) => product * size, 1)
  if (bytes.byteLength % rowBytes !== 0) throw tensorFault(name, `a row takes ${rowBytes} bytes, and the body has ${bytes.byteLength}`)
  return decodeBinaryTensor({ name, datatype, shape: [bytes.byteLength / rowBytes, ...rest] }, bytes)
}
