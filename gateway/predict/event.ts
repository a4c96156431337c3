import { type PredictionEvent, type RecordedTensor, sealPredictionEvent } from '../../contracts/prediction-event.ts'
import type { PredictResponse } from '../../contracts/http.ts'
import { toTimestamp } from '../../contracts/primitives.ts'
import type { AppendInput } from '../../platform/event-log/event-log.ts'
import { recordTensor } from '../v2/codec/record-tensor.ts'
import { toV2Tensor } from '../v2/codec/runtime-tensor.ts'
import type { Tensors } from '../inference/inference.ts'
import type { Routed } from './routing.ts'
import type { InstanceResult, SeenFeatures, VersionRun } from './run-version.ts'
import { warningsOf } from './warnings.ts'

const dayMs = 24 * 3600 * 1000

export type EventContext = {
  routed: Routed
  requestId: string
  receivedAtMs: number
  predictedAtMs: number
  seen: SeenFeatures | undefined
  durationUs: VersionRun['durationUs']
  idempotencyKey: string | undefined
}

/** The immutable record of one result: an answer, or why there was none. */
export function toPredictionEvent(context: EventContext, result: InstanceResult, predictionId: string): PredictionEvent {
  const { routed, receivedAtMs, seen } = context
  const { definition, deployment } = routed.serving.model
  const { instance, features, error } = result
  const subject = definition.governance.subject
  return sealPredictionEvent({
    ...routed.serving.facts,
    prediction_id: predictionId,
    decision_id: instance.decisionId,
    tenant: instance.tenant,
    request_id: context.requestId,
    index: instance.index,
    ...(context.idempotencyKey !== undefined && { idempotency_key: context.idempotencyKey }),
    trigger: 'api',
    tags: instance.tags,
    deployment_revision: deployment.revision,
    route: routed.route,
    route_probability: routed.probability,
    entities: instance.entities,
    anchor: instance.anchor,
    anchor_time: toTimestamp(instance.anchorTimeMs),
    features,
    ...(instance.row !== undefined && { inputs: [...instance.row.inputs] }),
    features_as_of: seen?.asOf ?? [],
    status: error !== undefined ? 'error' : result.fallback === undefined ? 'ok' : 'fallback',
    outputs: error === undefined ? result.outputs : {},
    ...(error === undefined && result.tensors !== undefined && { output_tensors: toRecordedTensors(result.tensors) }),
    ...(error === undefined && result.decision !== undefined && { decision: result.decision }),
    ...(error === undefined && result.fallback !== undefined && { fallback: result.fallback.name }),
    warnings: [...(error === undefined && result.fallback !== undefined ? [result.fallback.warning] : []), ...warningsOf(features)],
    ...(error !== undefined && { error_code: error.code }),
    ingested_at: toTimestamp(receivedAtMs),
    ...(seen?.readAtMs !== undefined && { features_read_at: toTimestamp(seen.readAtMs) }),
    predicted_at: toTimestamp(context.predictedAtMs),
    duration_us: context.durationUs,
    ...(subject !== undefined && Object.hasOwn(instance.entities, subject) && { subject_id: instance.entities[subject] }),
    retention_until: toTimestamp(receivedAtMs + definition.governance.retention_days * dayMs),
  })
}

function toRecordedTensors(tensors: Tensors): RecordedTensor[] {
  return Object.entries(tensors).map(([name, tensor]) => recordTensor(toV2Tensor(name, tensor)))
}

export function toLogRecord(event: PredictionEvent): AppendInput {
  return { kind: 'event', id: event.prediction_id, payload: JSON.stringify(event) }
}

/** What the caller is told of a prediction: a part of its event. */
export function toPredictResponse(event: PredictionEvent, options: { returnFeatures: boolean }): PredictResponse {
  return {
    prediction_id: event.prediction_id,
    request_id: event.request_id,
    model: event.model,
    model_version: event.model_version,
    route: event.route,
    anchor: event.anchor,
    anchor_time: event.anchor_time,
    status: event.status,
    outputs: event.outputs,
    ...(event.decision !== undefined && { decision: event.decision }),
    warnings: event.warnings,
    ...(options.returnFeatures && { features: event.features }),
  }
}
