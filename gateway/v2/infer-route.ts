import { createHash } from 'node:crypto'
import { ServiceError } from '../../contracts/errors.ts'
import { knownNames } from '../../platform/text/known-names.ts'
import type { ServingVersion } from '../predict/serving-model.ts'
import type { Asked, Protocol } from '../routes/predict-call.ts'
import { findAddressedVersion } from './addressed-version.ts'
import { type InferRequest, parseInferRequest } from './infer-request.ts'
import { toInferAnswer } from './infer-response.ts'
import { parseRawRequest } from './raw-request.ts'
import { readSentBody, type SentBody } from './sent-body.ts'
import { toSentRows } from './sent-rows.ts'

export const inferPaths = ['/v2/models/:model/infer', '/v2/models/:model/versions/:version/infer'] as const

/** `POST` to `inferPaths`. */
export const inferProtocol: Protocol = async (exchange, { model, version: pinned, receive }) => {
  const addressed = findAddressedVersion(model, pinned)
  const sent = await readSentBody(exchange, receive)
  const request = readRequest(sent, addressed)
  return {
    requestId: request.id,
    ...toInstances(request, addressed),
    options: { ...optionsOf(request), ...(pinned !== undefined && { version: pinned }) },
    fingerprint: () => fingerprintOf(sent, pinned),
    toAnswer: (predicted) => toInferAnswer(request, predicted),
    // The protocol knows no partial answer: with an error of one row nothing is kept.
    isKept: (predicted) => predicted.every(({ error }) => error === undefined),
  }
}

function readRequest(body: SentBody, addressed: ServingVersion): InferRequest {
  const request = body.raw ? parseRawRequest(body.binary, addressed) : parseInferRequest(body)
  const known = new Set(addressed.manifest.outputs.map(({ tensor }) => tensor))
  for (const [index, { name }] of (request.outputs ?? []).entries()) {
    if (!known.has(name))
      throw new ServiceError('invalid_request', `the version has no output ${name.slice(0, 64)}`, {
        path: `outputs[${index}].name`,
        hint: knownNames(name, known),
      })
  }
  return request
}

/** Makes one instance per row, about nobody: the protocol names no entities. */
function toInstances(request: InferRequest, addressed: ServingVersion): Pick<Asked, 'instances' | 'rows' | 'batch'> {
  const { anchor, anchor_time } = request.parameters
  const rows = toSentRows(addressed, request.tensors)
  const instance = {
    entities: {},
    features: {},
    ...(anchor !== undefined && { anchor }),
    ...(anchor_time !== undefined && { anchor_time }),
  }
  return { instances: rows.map(() => instance), rows, batch: false }
}

function optionsOf({ parameters }: InferRequest): { timeout_ms?: number } {
  const { timeout_ms: timeoutMs, timeout: timeoutUs } = parameters
  if (timeoutMs !== undefined) return { timeout_ms: timeoutMs }
  return timeoutUs === undefined || timeoutUs === 0 ? {} : { timeout_ms: timeoutUs / 1000 }
}

/** The fingerprint of a request: a hash of its bytes as sent, because tensors have no canonical form across their two encodings. */
function fingerprintOf({ json, binary, raw }: SentBody, pinned: string | undefined): string {
  const head = JSON.stringify({ pinned, raw, json: json.byteLength })
  return createHash('sha256')
    .update(`v2 ${head}\n`)
    .update(raw ? '' : json)
    .update(binary)
    .digest('hex')
}
