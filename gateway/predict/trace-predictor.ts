import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { ServiceError } from '../../contracts/errors.ts'
import { spanIdOf, type TraceParent } from '../../platform/service/trace-context.ts'
import type { ActiveSpan, Tracing } from '../../platform/service/tracing.ts'
import type { Predictor } from './predictor.ts'
import { type PredictInput, type Predicted } from './prediction.ts'

/**
 * A predictor that also makes a span for each request, one for each of its stages, and one for each event that it made
 * durable. Spans are made from what the events say when all is over: with no tracing this is the predictor itself, and costs nothing.
 */
export function tracePredictor(predict: Predictor, tracing: Tracing | undefined, now: () => number): Predictor {
  if (tracing === undefined) return predict
  return async function tracedPredict(model, input) {
    const { name } = model.definition
    const span = tracing.start(`predict ${name}`, {
      kind: SpanKind.SERVER,
      parent: input.trace,
      atMs: input.receivedAtMs,
      attributes: { 'hindsight.model': name, 'hindsight.request_id': input.requestId, 'hindsight.instances': input.instances.length },
    })
    try {
      const predicted = await predict(model, { ...input, trace: span.context, traceSampled: span.context.sampled })
      if (span.context.sampled) describe(tracing, { parent: span.context, input, predicted, endMs: now() })
      span.end()
      return predicted
    } catch (error) {
      endFailed(span, error)
      throw error
    }
  }
}

type Traced = { parent: TraceParent; input: PredictInput; predicted: readonly Predicted[]; endMs: number }

/** The stages ended one after the other when the events were made, to the millisecond. */
function describe(tracing: Tracing, { parent, input, predicted, endMs }: Traced): void {
  const [first] = predicted
  if (first === undefined) return
  const { duration_us: durations, predicted_at: predictedAt } = first.event
  const predictedMs = Math.max(input.receivedAtMs, Date.parse(predictedAt))
  let atMs = predictedMs
  for (const stage of ['inference', 'queue', 'features'] as const) {
    const us = durations[stage]
    if (us === undefined) continue
    const startMs = Math.max(input.receivedAtMs, atMs - us / 1000)
    tracing.start(stage, { parent, atMs: startMs }).end({ atMs })
    atMs = startMs
  }
  for (const { event, error } of predicted) {
    const attributes = {
      'hindsight.prediction_id': event.prediction_id,
      'hindsight.model_version': event.model_version,
      'hindsight.route': event.route,
      'hindsight.status': event.status,
    }
    const append = { kind: SpanKind.PRODUCER, parent, spanId: spanIdOf(event.prediction_id), atMs: predictedMs, attributes }
    tracing.start('outbox append', append).end({ atMs: endMs, ...(error !== undefined && { error: toStatus(error) }) })
  }
}

function endFailed(span: ActiveSpan, error: unknown): void {
  span.end({ error: error instanceof ServiceError ? toStatus(error) : { code: SpanStatusCode.ERROR, message: 'internal' } })
}

/** The span's status has the error's code alone: a message may quote what the client sent. */
function toStatus({ code }: ServiceError): { code: SpanStatusCode; message: string } {
  return { code: SpanStatusCode.ERROR, message: code }
}
