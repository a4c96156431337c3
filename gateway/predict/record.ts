import type { Logger } from 'pino'
import type { AppendInput } from '../../platform/event-log/event-log.ts'
import type { Fates } from '../fates/fates.ts'
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts'
import { type EventContext, toLogRecord, toPredictionEvent } from './event.ts'
import type { Predicted } from './prediction.ts'
import type { Part } from './work.ts'

export type RecordDeps = { fates: Pick<Fates, 'append'>; metrics: GatewayMetrics; logger: Logger; now: () => number; tick: () => number }

/** A prediction and its record, which holds all that the prediction will ever say. */
export type Made = { predicted: Predicted; record: AppendInput }

/** The events of a part that has its execution. `totalUs`: from the receipt of the request. */
export function makeEvents(deps: Pick<RecordDeps, 'now' | 'logger'>, part: Part, totalUs: number): Made[] {
  const { work, routed } = part
  const { requestId, receivedAtMs, trace, traceSampled, idempotency, reply } = work.input
  const { seen, durationUs, results } = part.execution!
  const context: EventContext = {
    routed,
    requestId,
    receivedAtMs,
    predictedAtMs: deps.now(),
    seen,
    durationUs: { features: durationUs.features, queue: durationUs.queue, inference: durationUs.inference, total: totalUs },
    idempotencyKey: idempotency?.key,
    traceId: trace?.traceId,
    traceSampled,
  }
  const awaitsFate = reply !== undefined && !work.background
  return results.map((result) => {
    const event = toPredictionEvent(context, result, work.ids[result.instance.index] ?? '')
    const { error } = result
    // A fault of ours in one instance of many is not thrown, so it is logged here.
    if (error?.code === 'internal') {
      const ids = { prediction_id: event.prediction_id, request_id: event.request_id }
      deps.logger.error({ err: error, ...ids }, 'instance failed')
    }
    const predicted = { event, error, tensors: error === undefined ? result.tensors : undefined }
    return { predicted, record: toLogRecord(event, awaitsFate) }
  })
}

/** Counts what is durable, by version: the instances of a request may be answered by champion and challengers. */
export function countPredictions(metrics: GatewayMetrics, predicted: readonly Predicted[]): void {
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
