import { predictLimits } from '../../contracts/http.ts'
import { parseTraceparent } from '../../platform/service/trace-context.ts'
import type { ByteBudget } from '../bounds/byte-budget.ts'
import type { Deadlines } from '../bounds/deadlines.ts'
import type { Fates } from '../fates/fates.ts'
import { onHangUpOf } from '../fates/hang-up.ts'
import { createReply } from '../fates/reply.ts'
import type { Answer } from '../http/answer.ts'
import type { Exchange, ReceiveOptions } from '../http/exchange.ts'
import type { Idempotency } from '../idempotency/idempotency.ts'
import { fromStoredAnswer, parseIdempotencyKey, toStoredAnswer } from '../idempotency/idempotency-http.ts'
import { type LoopLoad, overloadOf } from '../bounds/loop-load.ts'
import type { Predicted, PredictInput } from '../predict/prediction.ts'
import { answerByTick, type Predictor } from '../predict/predictor.ts'
import { findModel, type ServingModel, type ServingModels } from '../predict/serving-model.ts'
import type { Act, Call, Refusal } from './front.ts'

export type PredictRouteDeps = {
  models: ServingModels
  predict: Predictor
  idempotency: Idempotency
  fates: Fates
  loopLoad: LoopLoad
  /** The memory that the bodies of all requests for predictions may take together. */
  bodiesInWork: ByteBudget
  deadlines: Deadlines
}

/** What a body asks for, and how its protocol answers. */
export type Asked = Pick<PredictInput, 'instances' | 'batch' | 'options' | 'rows'> & {
  /** The caller's request id, where it gave one. */
  requestId: string | undefined
  /** A text that is equal for bodies that ask the same. */
  fingerprint(): string
  /** Makes the answer; may throw the error of an instance. */
  toAnswer(predicted: readonly Predicted[]): Answer
  /** Whether the answer is kept under the request's key; an error is not, because a later try may do better. */
  isKept(predicted: readonly Predicted[]): boolean
}

/** Reads and checks a request of one protocol. */
export type Protocol = (
  exchange: Exchange,
  options: { model: ServingModel; version: string | undefined; receive: ReceiveOptions },
) => Promise<Asked>

/** Refuses calls for predictions of which one more would be answered late. */
export function createPredictRefusal({ models, loopLoad }: Pick<PredictRouteDeps, 'models' | 'loopLoad'>): Refusal {
  return (name) => {
    const model = models.get(name)
    return model === undefined ? undefined : overloadOf(loopLoad, model.definition.latency_budget_ms)
  }
}

/** Answers calls for predictions in a protocol. */
export function createPredictCall(deps: PredictRouteDeps, read: Protocol): Act {
  return async function predictCall(call, tenant) {
    const { exchange, version } = call
    const model = findModel(deps.models, call.model)
    const { latency_budget_ms: budgetMs } = model.definition
    const bytes = announcedBytes(exchange)
    deps.bodiesInWork.take(bytes)
    // Whatever is swapped meanwhile, what this request found is there until it is answered.
    const release = model.uses.hold()
    try {
      const key = parseIdempotencyKey(exchange.header('idempotency-key'))
      const within = { deadlines: deps.deadlines, atTick: call.receivedTick + budgetMs }
      const asked = await read(exchange, { model, version, receive: { maxBytes: predictLimits.bodyBytes, within } })
      if (asked.requestId !== undefined) Object.assign(call, { requestId: asked.requestId, requestIdGiven: true })
      const input = toInput(deps, { call, asked, tenant })
      if (key === undefined) return asked.toAnswer(await deps.predict(model, input))
      return await answerOnce(deps, { model, key, asked, input })
    } finally {
      deps.bodiesInWork.giveBack(bytes)
      release()
    }
  }
}

/** What a body may take of the memory, known before it is read. */
function announcedBytes(exchange: Exchange): number {
  const declared = Number(exchange.header('content-length'))
  const isKnown = exchange.header('transfer-encoding') === undefined && exchange.header('content-encoding') === undefined
  return isKnown && Number.isSafeInteger(declared) ? Math.min(declared, predictLimits.bodyBytes) : predictLimits.bodyBytes
}

function toInput(
  deps: Pick<PredictRouteDeps, 'fates'>,
  { call, asked, tenant }: { call: Call; asked: Asked; tenant: string },
): PredictInput {
  const { exchange, requestId, requestIdGiven, receivedAtMs, receivedTick } = call
  return {
    requestId,
    requestIdGiven,
    tenant,
    instances: asked.instances,
    batch: asked.batch,
    options: asked.options,
    receivedAtMs,
    receivedTick,
    trace: parseTraceparent(exchange.header('traceparent')),
    traceSampled: undefined,
    rows: asked.rows,
    onHangUp: onHangUpOf(exchange),
    reply: createReply(exchange, deps.fates),
    idempotency: undefined,
  }
}

/** A request under an Idempotency-Key. */
async function answerOnce(
  { idempotency, predict }: PredictRouteDeps,
  { model, key, asked, input }: { model: ServingModel; key: string; asked: Asked; input: PredictInput },
): Promise<Answer> {
  const place = { tenant: input.tenant, model: model.definition.name, key }
  const request = { place, fingerprint: asked.fingerprint(), answerByTick: answerByTick(model, input) }
  const once = await idempotency.once(request, async (commitWith) => {
    const commit = commitWith((predicted) => (asked.isKept(predicted) ? toStoredAnswer(asked.toAnswer(predicted)) : undefined))
    const predicted = await predict(model, { ...input, idempotency: { key, commit } })
    if (!asked.isKept(predicted)) throw predicted.find(({ error }) => error !== undefined)?.error
  })
  input.reply?.whenAnswered(() => idempotency.delivered(place, once))
  return fromStoredAnswer(once)
}
