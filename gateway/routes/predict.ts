import type { Handler } from 'hono'
import { canonicalHash } from '../../contracts/canonical-json.ts'
import { predictLimits } from '../../contracts/http.ts'
import { parseTraceparent } from '../../platform/service/trace-context.ts'
import { answerJson } from '../http/answer.ts'
import type { Fates } from '../fates/fates.ts'
import { createReply } from '../fates/reply.ts'
import { announcedBytes, type ByteBudget } from '../http/byte-budget.ts'
import { toErrorBody } from '../http/errors.ts'
import type { GatewayEnv } from '../http/gateway-env.ts'
import { onHangUpOf } from '../fates/hang-up.ts'
import { readJsonBody } from '../http/json-body.ts'
import { setRequestId } from '../http/request-context.ts'
import { readIdempotencyKey, sendStored } from '../idempotency/idempotency-http.ts'
import type { Idempotency } from '../idempotency/idempotency.ts'
import { toPredictResponse } from '../predict/event.ts'
import { type LoopLoad, refuseOverload } from '../predict/loop-load.ts'
import { answerAtMs, isRefusedWhole, type Predictor } from '../predict/predictor.ts'
import { type ParsedPredict, parsePredict } from './parse-predict.ts'
import { findModel, type ServingModel, type ServingModels } from '../predict/serving-model.ts'
import { type PredictInput, type Predicted } from '../predict/prediction.ts'

export type PredictRouteDeps = {
  models: ServingModels
  predict: Predictor
  idempotency: Idempotency
  fates: Fates
  loopLoad: LoopLoad
  /** The bodies of all requests for predictions. */
  bodiesInWork: ByteBudget
}

/** `POST /v1/models/:model/predict` */
export function predictRoute(deps: PredictRouteDeps): Handler<GatewayEnv> {
  return async function predict(c) {
    const name = c.req.param('model') ?? ''
    const model = findModel(deps.models, name)
    refuseOverload(deps.loopLoad, model.definition.latency_budget_ms)
    const giveBack = deps.bodiesInWork.take(announcedBytes(c))
    // Whatever is swapped meanwhile, what this request found is there until it is answered.
    const release = model.uses.hold()
    try {
      const key = readIdempotencyKey(c)
      const body = await readJsonBody(c, { maxBytes: predictLimits.bodyBytes, withinMs: model.definition.latency_budget_ms })
      const parsed = parsePredict(body)
      if (parsed.requestId !== undefined) setRequestId(c, parsed.requestId)
      const requestId = c.get('requestId')
      const { tenant } = c.get('caller')
      const input: PredictInput = {
        requestId,
        requestIdGiven: c.get('requestIdGiven'),
        tenant,
        instances: parsed.instances,
        batch: parsed.batch,
        options: parsed.options,
        receivedAtMs: c.get('receivedAtMs'),
        receivedTick: c.get('receivedTick'),
        trace: parseTraceparent(c.req.header('traceparent')),
        traceSampled: undefined,
        rows: undefined,
        onHangUp: onHangUpOf(c),
        reply: createReply(c, deps.fates),
        idempotency: undefined,
      }
      if (key === undefined) return await answerJson(c, toBody(parsed, model, await deps.predict(model, input)))
      const request = { tenant, model: name, key, fingerprint: canonicalHash(body), answerByMs: answerAtMs(model, input) }
      const once = await deps.idempotency.once(request, (commitWith) =>
        deps.predict(model, { ...input, idempotency: { key, commit: commitWith((predicted) => toStored(parsed, model, predicted)) } }),
      )
      input.reply?.whenAnswered(() => deps.idempotency.delivered(request, once))
      return await sendStored(c, once)
    } finally {
      giveBack()
      release()
    }
  }
}

function toBody({ batch, options }: ParsedPredict, model: ServingModel, predicted: readonly Predicted[]) {
  const told = { returnFeatures: options.return_features === true, windows: model.projectModel.featureWindows }
  const bodies = predicted.map(({ event, error }) =>
    error === undefined ? toPredictResponse(event, told) : toErrorBody(error, event.request_id),
  )
  return batch ? { predictions: bodies } : (bodies[0] ?? {})
}

function toStored(parsed: ParsedPredict, model: ServingModel, predicted: readonly Predicted[]) {
  if (isRefusedWhole(predicted)) return undefined
  return { headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(toBody(parsed, model, predicted))) }
}
