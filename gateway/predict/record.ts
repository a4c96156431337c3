import type { Logger } from 'pino'
import { failpoint } from '../../platform/service/failpoint.ts'
import type { Fates } from '../fates/fates.ts'
import type { Reply } from '../fates/reply.ts'
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts'
import { type EventContext, toLogRecord, toPredictionEvent } from './event.ts'
import type { Execution } from './execute.ts'
import type { Routed } from './routing.ts'
import { type Predicted, type PredictInput } from './prediction.ts'
import type { Origin } from '../../contracts/origin.ts'
import type { UnsealedPredictionEvent } from '../../contracts/prediction-event.ts'
import type { Durability } from '../../platform/event-log/event-log.ts'

export type RecordDeps = { fates: Pick<Fates, 'append'>; metrics: GatewayMetrics; logger: Logger; now: () => number; tick: () => number }

/** The events of an execution; `ids` are the prediction ids of a request's instances, by their index. */
export function toPredicted(
  deps: Pick<RecordDeps, 'now'>,
  options: { input: PredictInput; routed: Routed; execution: Execution; ids: readonly string[] },
): Predicted[] {
  const { input, routed, execution, ids } = options
  const { requestId, receivedAtMs, trace, traceSampled, idempotency } = input
  const { seen, durationUs, results } = execution
  const context: EventContext = {
    routed,
    requestId,
    receivedAtMs,
    predictedAtMs: deps.now(),
    seen,
    durationUs,
    idempotencyKey: idempotency?.key,
    traceId: trace?.traceId,
    traceSampled,
  }
  return results.map((result) => ({
    event: toPredictionEvent(context, result, ids[result.instance.index] ?? ''),
    error: result.error,
    tensors: result.error === undefined ? result.tensors : undefined,
  }))
}

export type Recording = { routed: Routed; predicted: readonly Predicted[]; input: PredictInput; reply: Reply | undefined }

/** Makes the events durable, as the model asks, and counts them once they are. Without a reply nobody is told of them. */
export async function record(deps: RecordDeps, { routed: { serving }, predicted, input, reply }: Recording): Promise<void> {
  const { definition } = serving
  const startedTick = deps.tick()
  const totalUs = Math.max(0, Math.round((startedTick - input.receivedTick) * 1000))
  for (const { event } of predicted) event.duration_us.total = totalUs
  logFaults(deps.logger, predicted)
  const events = predicted.map(({ event }) => event)
  failpoint('gateway.before_commit')
  const origins = await appendEvents(deps.fates, { events, durability: definition.durability, awaitsFate: reply !== undefined })
  reply?.committed(predicted, origins)
  failpoint('gateway.after_commit')
  deps.metrics.stage({ model: definition.name, version: serving.version, stage: 'outbox' }, deps.tick() - startedTick)
  countPredictions(deps.metrics, predicted)
}

/** A fault of ours in one instance of many is not thrown, so it is logged here. */
function logFaults(logger: Logger, predicted: readonly Predicted[]): void {
  for (const { event, error } of predicted) {
    if (error?.code !== 'internal') continue
    logger.error({ err: error, prediction_id: event.prediction_id, request_id: event.request_id }, 'instance failed')
  }
}

/** By version: the instances of a request may be answered by champion and challengers. */
function countPredictions(metrics: GatewayMetrics, predicted: readonly Predicted[]): void {
  const version = predicted[0]?.event.model_version
  if (predicted.every(({ event }) => event.model_version === version)) return countVersion(metrics, predicted)
  for (const each of new Set(predicted.map(({ event }) => event.model_version))) {
    const own = predicted.filter(({ event }) => event.model_version === each)
    countVersion(metrics, own)
  }
}

const stages = ['features', 'queue', 'inference'] as const

function countVersion(metrics: GatewayMetrics, predicted: readonly Predicted[]): void {
  const event = predicted[0]?.event
  if (event === undefined) return
  const { model, model_version: version, route, duration_us: durations } = event
  for (const stage of stages) {
    const us = durations[stage]
    if (us !== undefined) metrics.stage({ model, version, stage }, us / 1000)
  }
  for (const { event: own, error } of predicted)
    metrics.prediction({ model, version, route, status: own.status, code: error?.code ?? '' }, 1)
}

type Events = { events: readonly UnsealedPredictionEvent[]; durability: Durability; awaitsFate: boolean }

/** Makes the events of a request durable, together and in order. Rejects with `outbox_unavailable`. */
export function appendEvents(fates: Pick<Fates, 'append'>, { events, durability, awaitsFate }: Events): Promise<Origin[]> {
  const records = events.map((event) => toLogRecord(event, awaitsFate))
  return fates.append(records, { durability })
}
