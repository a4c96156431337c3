import type { Handler } from 'hono'
import { announcedBytes } from '../http/byte-budget.ts'
import { ServiceError } from '../../contracts/errors.ts'
import { parseTraceparent } from '../../platform/service/trace-context.ts'
import { knownNames } from '../../platform/text/known-names.ts'
import { answer } from '../http/answer.ts'
import type { GatewayEnv } from '../http/gateway-env.ts'
import { createReply } from '../fates/reply.ts'
import { onHangUpOf } from '../fates/hang-up.ts'
import { setRequestId } from '../http/request-context.ts'
import { readIdempotencyKey, sendStored } from '../idempotency/idempotency-http.ts'
import { refuseOverload } from '../predict/loop-load.ts'
import { findModel, type ServingVersion } from '../predict/serving-model.ts'
import type { PredictRouteDeps } from '../routes/predict.ts'
import { findAddressedVersion } from './addressed-version.ts'
import { inferOnce } from './infer-once.ts'
import { type InferRequest, parseInferRequest } from './infer-request.ts'
import { toInferAnswer } from './infer-response.ts'
import { parseRawRequest } from './raw-request.ts'
import { readSentBody, type SentBody } from './sent-body.ts'
import { toSentRows } from './sent-rows.ts'
import { type PredictInput } from '../predict/prediction.ts'

/** `POST /v2/models/:model[/versions/:version]/infer` */
export function inferRoute(deps: PredictRouteDeps): Handler<GatewayEnv> {
  return async function infer(c) {
    const model = findModel(deps.models, c.req.param('model') ?? '')
    refuseOverload(deps.loopLoad, model.definition.latency_budget_ms)
    const pinned = c.req.param('version')
    const addressed = findAddressedVersion(model, pinned)
    const giveBack = deps.bodiesInWork.take(announcedBytes(c))
    const release = model.uses.hold()
    try {
      const key = readIdempotencyKey(c)
      const sent = await readSentBody(c, { withinMs: model.definition.latency_budget_ms })
      const request = readRequest(sent, addressed)
      if (request.id !== undefined) setRequestId(c, request.id)
      const input: PredictInput = {
        ...toPredictInput(request, addressed),
        options: { ...optionsOf(request), ...(pinned !== undefined && { version: pinned }) },
        requestId: c.get('requestId'),
        requestIdGiven: c.get('requestIdGiven'),
        tenant: c.get('caller').tenant,
        receivedAtMs: c.get('receivedAtMs'),
        receivedTick: c.get('receivedTick'),
        trace: parseTraceparent(c.req.header('traceparent')),
        onHangUp: onHangUpOf(c),
        reply: createReply(c, deps.fates),
      }
      if (key !== undefined) return await sendStored(c, await inferOnce(deps, { model, key, sent, pinned, request, input }))
      return await answer(c, toInferAnswer(request, await deps.predict(model, input)))
    } finally {
      giveBack()
      release()
    }
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

/** One instance per row, about nobody: the protocol names no entities. */
function toPredictInput(request: InferRequest, addressed: ServingVersion): Pick<PredictInput, 'instances' | 'rows' | 'batch'> {
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
