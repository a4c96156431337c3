import type { Handler } from 'hono'
import { ServiceError } from '../../contracts/errors.ts'
import { knownNames } from '../../platform/project/problems.ts'
import { toErrorBody } from '../http/errors.ts'
import type { GatewayEnv } from '../http/gateway-env.ts'
import { readJsonBody } from '../http/json-body.ts'
import { toPredictResponse } from '../predict/event.ts'
import type { Predictor } from '../predict/predictor.ts'
import type { Predicted } from '../predict/record.ts'
import { parsePredict } from '../predict/request.ts'
import type { ServingModel, ServingModels } from '../predict/serving-model.ts'

/** `POST /v1/models/:model/predict` */
export function predictRoute(deps: { models: ServingModels; predict: Predictor }): Handler<GatewayEnv> {
  return async function predict(c) {
    const model = findModel(deps.models, c.req.param('model') ?? '')
    const parsed = parsePredict(await readJsonBody(c))
    const requestId = parsed.requestId ?? c.var.requestId
    c.set('requestId', requestId)
    const predicted = await deps.predict(model, {
      ...parsed,
      requestId,
      tenant: c.var.caller.tenant,
      receivedAtMs: c.var.receivedAtMs,
      hungUp: c.req.raw.signal,
    })
    const bodies = predicted.map((one) => toBody(one, parsed.options.return_features === true))
    return c.json(parsed.batch ? { predictions: bodies } : (bodies[0] ?? {}))
  }
}

function toBody({ event, error }: Predicted, returnFeatures: boolean) {
  return error === undefined ? toPredictResponse(event, { returnFeatures }) : toErrorBody(error, event.request_id)
}

export function findModel(models: ServingModels, name: string): ServingModel {
  const model = models.get(name)
  if (model !== undefined) return model
  const shown = name.slice(0, 64)
  throw new ServiceError('unknown_model', `the project has no model ${shown}`, { hint: knownNames(shown, models.keys()) })
}
