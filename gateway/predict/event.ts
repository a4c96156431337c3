import { inOrder } from '../../contracts/canonical-json.ts'
import {
  encodePredictionEvent,
  type RecordedTensor,
  type ServedFeature,
  type UnsealedPredictionEvent,
} from '../../contracts/prediction-event.ts'
import type { AnsweredFeature, PredictResponse } from '../../contracts/http.ts'
import { toTimestamp } from '../../contracts/primitives.ts'
import { storeUnavailable } from '../../features/assembly/serve-feature.ts'
import { windowStartMs } from '../../features/engine/compile-view.ts'
import type { AppendInput } from '../../platform/event-log/event-log.ts'
import type { ProjectModel } from '../../platform/project/project.ts'
import { recordTensor } from '../tensors/record-tensor.ts'
import { toV2Tensor } from '../tensors/runtime-tensor.ts'
import type { Tensors } from '../tensors/tensor.ts'
import type { Routed } from './routing.ts'
import type { InstanceResult, Question, SeenFeatures, StageDurations } from './prediction.ts'

const dayMs = 24 * 3600 * 1000

export type EventContext = {
  routed: Routed
  requestId: string
  receivedAtMs: number
  predictedAtMs: number
  seen: SeenFeatures | undefined
  durationUs: StageDurations & { total: number }
  idempotencyKey: string | undefined
  traceId: string | undefined
  traceSampled: boolean | undefined
}

/** The immutable record of one result: an answer, or why there was none. */
export function toPredictionEvent(context: EventContext, result: InstanceResult, predictionId: string): UnsealedPredictionEvent {
  const { routed, receivedAtMs, seen } = context
  const { definition } = routed.serving
  const { instance, features, error } = result
  const question = instance.question?.()
  const subject = definition.governance.subject
  const { facts } = routed.serving
  const answer = error === undefined ? result : undefined
  const { features: featuresUs, queue: queueUs, inference: inferenceUs, total } = context.durationUs
  // All fields, in the order of their keys: then all events have one shape, and their canonical form is that of `JSON.stringify`.
  return {
    anchor: instance.anchor,
    anchor_time: toTimestamp(instance.anchorTimeMs),
    code_version: facts.code_version,
    data_category: facts.data_category,
    decision: answer?.decision,
    decision_id: instance.decisionId,
    deployment_revision: routed.revision,
    duration_us: { features: featuresUs, inference: inferenceUs, queue: queueUs, total },
    entities: inOrder(instance.entities),
    error_code: error?.code,
    execution_provider: facts.execution_provider,
    fallback: answer?.fallback?.name,
    feature_set_sha256: facts.feature_set_sha256,
    features,
    features_as_of: seen === undefined ? [] : seen.asOf.map(({ epoch, seq, writer_id }) => ({ epoch, seq, writer_id })),
    features_read_at: seen?.readAtMs === undefined ? undefined : toTimestamp(seen.readAtMs),
    idempotency_key: context.idempotencyKey,
    index: instance.index,
    ingested_at: toTimestamp(receivedAtMs),
    inputs: instance.row === undefined ? undefined : [...instance.row.inputs],
    manifest_sha256: facts.manifest_sha256,
    model: facts.model,
    model_definition_sha256: facts.model_definition_sha256,
    model_sha256: facts.model_sha256,
    model_version: facts.model_version,
    output_tensors: answer?.tensors === undefined ? undefined : toRecordedTensors(answer.tensors),
    outputs: answer === undefined ? {} : inOrder(answer.outputs),
    predicted_at: toTimestamp(context.predictedAtMs),
    prediction_id: predictionId,
    purposes: facts.purposes,
    question_sha256: question?.sha256,
    region: facts.region,
    request_id: context.requestId,
    retention_until: toTimestamp(receivedAtMs + definition.governance.retention_days * dayMs),
    route: routed.route,
    route_probability: routed.probability,
    schema_version: facts.schema_version,
    status: answer === undefined ? 'error' : answer.fallback === undefined ? 'ok' : 'fallback',
    subject_id: subject !== undefined && Object.hasOwn(instance.entities, subject) ? instance.entities[subject] : undefined,
    tags: instance.tags,
    tenant: instance.tenant,
    trace_id: context.traceId,
    // Shadows have no span.
    trace_sampled: context.traceSampled === true && routed.route !== 'shadow' ? true : undefined,
    trigger: 'api',
    warnings: [...(answer?.fallback === undefined ? [] : [answer.fallback.warning]), ...warningsOf(question, features)],
  }
}

function toRecordedTensors(tensors: Tensors): RecordedTensor[] {
  return Object.entries(tensors).map(([name, tensor]) => recordTensor(toV2Tensor(name, tensor)))
}

export const requestIdReused = 'request_id_reused: the id was sent before with another question, and a label by it reaches both'

/** What a caller should know about the id and the features an answer rests on, as `feature x is missing: anchor_too_old`. */
export function warningsOf(question: Pick<Question, 'reusesId'> | undefined, features: readonly ServedFeature[]): string[] {
  const unread = features.some(({ reason }) => reason === storeUnavailable)
  const general = [
    ...(question?.reusesId ? [requestIdReused] : []),
    ...(unread ? ['online_store_unavailable: the answer does without online features'] : []),
  ]
  return [...general, ...features.filter(({ status }) => status !== 'ok').map(toWarning)]
}

function toWarning({ name, status, reason }: ServedFeature): string {
  return reason === undefined ? `feature ${name} is ${status}` : `feature ${name} is ${status}: ${reason}`
}

export function toLogRecord(event: UnsealedPredictionEvent, awaitsFate: boolean): AppendInput {
  return { kind: 'event', id: event.prediction_id, payload: encodePredictionEvent(event), awaitsFate }
}

/** What the caller is told of a prediction: a part of its event. */
export function toPredictResponse(
  event: UnsealedPredictionEvent,
  options: { returnFeatures: boolean; windows: ProjectModel['featureWindows'] },
): PredictResponse {
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
    decision: event.decision,
    warnings: event.warnings,
    features: options.returnFeatures ? event.features.map((feature) => withWindow(feature, event.anchor_time, options.windows)) : undefined,
  }
}

function withWindow(feature: ServedFeature, anchorTime: string, windows: ProjectModel['featureWindows']): AnsweredFeature {
  const window = windows.get(feature.name)
  if (window === undefined) return feature
  const { window_seconds, hop_seconds } = window
  const fromMs = windowStartMs({ widthMs: window_seconds * 1000, hopMs: hop_seconds * 1000 }, Date.parse(anchorTime))
  return { ...feature, window: { from: toTimestamp(fromMs), to: anchorTime, hop_seconds } }
}
