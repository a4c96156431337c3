import { ServiceError } from '../../contracts/errors.ts'
import { headerLengthName } from '../../contracts/v2.ts'
import { type Answer, jsonHeaders } from '../http/answer.ts'
import { requestIdReused } from '../predict/event.ts'
import { encodeBinaryTensor } from '../tensors/binary-tensor.ts'
import { encodeJsonData } from './json-tensor.ts'
import { toV2Tensor } from '../tensors/runtime-tensor.ts'
import { type V2Tensor, viewAs } from '../tensors/v2-tensor.ts'
import type { InferRequest } from './infer-request.ts'
import { type Predicted } from '../predict/prediction.ts'

/** The rows of an answered request as the protocol has them. The protocol knows no partial answer: an error of one row is thrown. */
export function toInferAnswer(request: InferRequest, predicted: readonly Predicted[]): Answer {
  const [first] = predicted
  const failed = predicted.find(({ error }) => error !== undefined)
  if (first === undefined || failed?.error !== undefined) throw failed?.error ?? new ServiceError('internal', 'nothing was predicted')
  const binaryParts: Uint8Array[] = []
  const outputs = selectOutputs(request, first).map(({ name, binary }) => {
    const tensor = joinRows(name, predicted)
    if (!binary) return toJsonOutput(tensor, `"data":${encodeJsonData(tensor)}`)
    const bytes = encodeBinaryTensor(tensor)
    binaryParts.push(bytes)
    return toJsonOutput(tensor, `"parameters":{"binary_data_size":${bytes.byteLength}}`)
  })
  const json = `${JSON.stringify(headOf(first, predicted)).slice(0, -1)},"outputs":[${outputs.join(',')}]}`
  return binaryParts.length === 0 ? { body: json, headers: jsonHeaders } : withBinary(json, binaryParts)
}

function headOf({ event }: Predicted, predicted: readonly Predicted[]) {
  return {
    model_name: event.model,
    model_version: event.model_version,
    id: event.request_id,
    parameters: {
      route: event.route,
      ...(predicted.length === 1 && { prediction_id: event.prediction_id }),
      ...(predicted.some((row) => row.event.warnings.includes(requestIdReused)) && { request_id_reused: true }),
    },
  }
}

function selectOutputs(request: InferRequest, { tensors = {} }: Predicted): { name: string; binary: boolean }[] {
  return request.outputs ?? Object.keys(tensors).map((name) => ({ name, binary: request.binaryByDefault }))
}

function joinRows(name: string, predicted: readonly Predicted[]): V2Tensor {
  const rows = predicted.map(({ tensors }) => {
    const tensor = tensors?.[name]
    if (tensor === undefined) throw new ServiceError('inference_failed', `the version that answered gives no output ${name}`)
    return toV2Tensor(name, tensor)
  })
  const [first] = rows
  if (first === undefined || rows.length === 1) return first as V2Tensor
  return { ...first, shape: [rows.length, ...first.shape.slice(1)], data: concatenate(first.datatype, rows) }
}

function concatenate(datatype: V2Tensor['datatype'], rows: readonly V2Tensor[]): V2Tensor['data'] {
  if (datatype === 'BYTES') return rows.flatMap(({ data }) => data as string[])
  const parts = rows.map(encodeBinaryTensor)
  const joined = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.byteLength
  }
  return viewAs(datatype, joined.buffer)
}

function toJsonOutput({ name, datatype, shape }: V2Tensor, data: string): string {
  return `${JSON.stringify({ name, datatype, shape }).slice(0, -1)},${data}}`
}

function withBinary(json: string, parts: readonly Uint8Array[]): Answer {
  const head = Buffer.from(json)
  return {
    body: new Uint8Array(Buffer.concat([head, ...parts])),
    headers: { 'Content-Type': 'application/octet-stream', [headerLengthName]: String(head.byteLength) },
  }
}
