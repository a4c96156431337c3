import type { Logger } from 'pino'
import type { ServiceError } from '../../contracts/errors.ts'
import type { UnsealedPredictionEvent } from '../../contracts/prediction-event.ts'
import type { EventLogWriter } from '../../platform/event-log/event-log.ts'
import { failpoint } from '../../platform/service/failpoint.ts'
import type { Tensors } from '../inference/inference.ts'
import type { GatewayMetrics } from '../metrics.ts'
import { appendEvents } from './append-events.ts'
import { toPredictionEvent } from './event.ts'
import type { Execution } from './execute.ts'
import type { PredictInput } from './predictor.ts'
import type { Routed } from './routing.ts'

export type RecordDeps = { eventLog: EventLogWriter; metrics: GatewayMetrics; logger: Logger; now: () => number; tick: () => number }

/** One instance's event, its error if it has one, and its row of the model's tensors if it was sent as tensors. */
export type Predicted = { event: UnsealedPredictionEvent; error: ServiceError | undefined; tensors: Tensors | undefined }

/** Stands around `record`, which makes the events durable: it may do things before and after, or refuse. */
export type Commit = (predicted: readonly Predicted[], record: () => Promise<void>) => Promise<void>

/** The events of an execution; `ids` are the prediction ids of a request's instances, by their index. */
export function toPredicted(
  deps: Pick<RecordDeps, 'now'>,
  options: { input: PredictInput; routed: Routed; execution: Execution; ids: readonly string[] },
): Predicted[] {
  const { input, routed, execution, ids } = options
  const { requestId, receivedAtMs, trace, idempotency } = input
  const { seen, durationUs, results } = execution
  const of = { routed, requestId, receivedAtMs, traceId: trace?.traceId, idempotencyKey: idempotency?.key }
  const context = { ...of, predictedAtMs: deps.now(), seen, durationUs }
  return results.map((result) => ({
    event: toPredictionEvent(context, result, ids[result.instance.index] ?? ''),
    error: result.error,
    tensors: result.error === undefined ? result.tensors : undefined,
  }))
}

/** Makes the events durable, as the model asks, and counts them once they are. */
export async function record(deps: RecordDeps, { serving }: Routed, predicted: readonly Predicted[]): Promise<void> {
  const { definition } = serving.model
  const startedTick = deps.tick()
  logFaults(deps.logger, predicted)
  const events = predicted.map(({ event }) => event)
  failpoint('gateway.before_commit')
  await appendEvents(deps.eventLog, { events, durability: definition.durability })
  failpoint('gateway.after_commit')
  const labels = { model: definition.name, version: serving.version.version }
  deps.metrics.stage({ ...labels, stage: 'outbox' }, deps.tick() - startedTick)
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
  const others = predicted.filter(({ event }) => event.model_version !== version)
  countVersion(metrics, others.length === 0 ? predicted : predicted.filter(({ event }) => event.model_version === version))
  if (others.length > 0) countPredictions(metrics, others)
}

function countVersion(metrics: GatewayMetrics, predicted: readonly Predicted[]): void {
  const event = predicted[0]?.event
  if (event === undefined) return
  const labels = { model: event.model, version: event.model_version }
  for (const stage of ['features', 'queue', 'inference'] as const) {
    const us = event.duration_us[stage]
    if (us !== undefined) metrics.stage({ ...labels, stage }, us / 1000)
  }
  const counts = new Map<string, number>()
  for (const { event, error } of predicted) {
    const outcome = error?.code ?? event.status
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  }
  for (const [outcome, count] of counts) {
    const answered = outcome === 'ok' || outcome === 'fallback'
    metrics.prediction({ ...labels, route: event.route, status: answered ? outcome : 'error', code: answered ? '' : outcome }, count)
  }
}
