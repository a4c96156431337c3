import { canonicalHash } from '../../contracts/canonical-json.ts'
import { jsonHeaders } from '../http/answer.ts'
import { toErrorBody } from '../http/errors.ts'
import { readJsonBody } from '../http/json-body.ts'
import { toPredictResponse } from '../predict/event.ts'
import { isRefusedWhole } from '../predict/predictor.ts'
import type { Predicted } from '../predict/prediction.ts'
import type { ServingModel } from '../predict/serving-model.ts'
import { type ParsedPredict, parsePredict } from './parse-predict.ts'
import type { Protocol } from './predict-call.ts'

export const predictPath = '/v1/models/:model/predict'

/** `POST` to `predictPath`. */
export const predictProtocol: Protocol = async (exchange, { model, receive }) => {
  const body = await readJsonBody(exchange, receive)
  const parsed = parsePredict(body)
  return {
    requestId: parsed.requestId,
    instances: parsed.instances,
    batch: parsed.batch,
    options: parsed.options,
    rows: undefined,
    fingerprint: () => canonicalHash(body),
    toAnswer: (predicted) => ({ body: JSON.stringify(toBody(parsed, model, predicted)), headers: jsonHeaders }),
    isKept: (predicted) => !isRefusedWhole(predicted),
  }
}

function toBody({ batch, options }: ParsedPredict, model: ServingModel, predicted: readonly Predicted[]) {
  const told = { returnFeatures: options.return_features === true, windows: model.projectModel.featureWindows }
  const bodies = predicted.map(({ event, error }) =>
    error === undefined ? toPredictResponse(event, told) : toErrorBody(error, event.request_id),
  )
  return batch ? { predictions: bodies } : (bodies[0] ?? {})
}
