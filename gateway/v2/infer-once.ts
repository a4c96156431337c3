import { createHash } from 'node:crypto'
import type { StoredAnswer } from '../idempotency/idempotency-store.ts'
import type { Idempotency } from '../idempotency/idempotency.ts'
import { answerAtMs, type Predictor } from '../predict/predictor.ts'
import type { ServingModel } from '../predict/serving-model.ts'
import type { InferRequest } from './infer-request.ts'
import { toInferAnswer } from './infer-response.ts'
import type { SentBody } from './sent-body.ts'
import { type PredictInput, type Predicted } from '../predict/prediction.ts'

type Keyed = { model: ServingModel; key: string; sent: SentBody; pinned: string | undefined; request: InferRequest; input: PredictInput }

/** An infer request under an Idempotency-Key. The protocol knows no partial answer: with an error of one row nothing is kept. */
export async function inferOnce(
  deps: { predict: Predictor; idempotency: Idempotency },
  { model, key, sent, pinned, request, input }: Keyed,
) {
  const place = { tenant: input.tenant, model: model.definition.name, key }
  const fingerprint = fingerprintOf(sent, pinned)
  const once = await deps.idempotency.once({ ...place, fingerprint, answerByMs: answerAtMs(model, input) }, async (commitWith) => {
    const commit = commitWith((predicted) => (errorOf(predicted) === undefined ? toStored(request, predicted) : undefined))
    const error = errorOf(await deps.predict(model, { ...input, idempotency: { key, commit } }))
    if (error !== undefined) throw error
  })
  input.reply?.whenAnswered(() => deps.idempotency.delivered(place, once))
  return once
}

function errorOf(predicted: readonly Predicted[]) {
  return predicted.find(({ error }) => error !== undefined)?.error
}

function toStored(request: InferRequest, predicted: readonly Predicted[]): StoredAnswer {
  const { body, headers } = toInferAnswer(request, predicted)
  return { headers, body: typeof body === 'string' ? Buffer.from(body) : body }
}

/** The fingerprint is of the bytes as they were sent: tensors have no canonical form across their two encodings. */
function fingerprintOf({ json, binary, raw }: SentBody, pinned: string | undefined): string {
  const head = JSON.stringify({ pinned, raw, json: json.byteLength })
  return createHash('sha256')
    .update(`v2 ${head}\n`)
    .update(raw ? '' : json)
    .update(binary)
    .digest('hex')
}
