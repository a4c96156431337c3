import type { PredictionEvent, ServedFeature } from '../../../contracts/prediction-event.ts'
import type { LogRecord } from '../../event-log/event-log.ts'
import { toScalarMaps } from './scalar-maps.ts'
import { toColumnTime } from '../../warehouse/column-time.ts'
import { toStamp } from './stamp.ts'

/**
 * A row of `bronze.prediction_events`. What the event does not say is null or has no key, never zero. One flat literal:
 * put together from spread parts it took 150 µs instead of 3, and this is the hot path.
 */
export function toPredictionRow(event: PredictionEvent, record: LogRecord): object {
  const { duration_us: duration, features } = event
  const values = toScalarMaps(features.map(({ name, value }) => [name, value]))
  const outputs = toScalarMaps(Object.entries(event.outputs))
  const stamp = toStamp(record)
  return {
    prediction_id: event.prediction_id,
    decision_id: event.decision_id,
    tenant: event.tenant,
    payload_hash: event.payload_hash,
    request_id: event.request_id,
    question_sha256: event.question_sha256 ?? null,
    index: event.index,
    idempotency_key: event.idempotency_key ?? null,
    trace_id: event.trace_id ?? null,
    trigger: event.trigger,
    tags: event.tags,
    model: event.model,
    model_version: event.model_version,
    model_sha256: event.model_sha256,
    manifest_sha256: event.manifest_sha256,
    model_definition_sha256: event.model_definition_sha256,
    feature_set_sha256: event.feature_set_sha256,
    deployment_revision: event.deployment_revision,
    code_version: event.code_version,
    route: event.route,
    route_probability: event.route_probability,
    execution_provider: event.execution_provider,
    entities: event.entities,
    anchor: event.anchor,
    anchor_time: toColumnTime(event.anchor_time),
    features_number: values.numbers,
    features_text: values.texts,
    feature_source: featureMap(features, ({ source }) => source),
    feature_status: featureMap(features, ({ status }) => status),
    feature_reason: featureMap(features, ({ reason }) => reason),
    feature_event_time: featureMap(features, ({ event_time }) => event_time && toColumnTime(event_time)),
    feature_age_ms: featureMap(features, ({ age_ms }) => age_ms),
    feature_definition: featureMap(features, ({ definition }) => definition),
    features_as_of: event.features_as_of.map(({ writer_id, epoch, seq }) => ({ writer_id, epoch, seq })),
    inputs: event.inputs === undefined ? null : JSON.stringify(event.inputs),
    status: event.status,
    outputs_number: outputs.numbers,
    outputs_text: outputs.texts,
    output_tensors: event.output_tensors === undefined ? null : JSON.stringify(event.output_tensors),
    decision_value: event.decision === undefined ? null : String(event.decision.value),
    decision_threshold: event.decision?.threshold ?? null,
    fallback: event.fallback ?? null,
    warnings: event.warnings,
    error_code: event.error_code ?? null,
    ingested_at: toColumnTime(event.ingested_at),
    features_read_at: event.features_read_at === undefined ? null : toColumnTime(event.features_read_at),
    predicted_at: toColumnTime(event.predicted_at),
    duration_queue_us: duration.queue ?? null,
    duration_features_us: duration.features ?? null,
    duration_inference_us: duration.inference ?? null,
    duration_total_us: duration.total ?? null,
    subject_id: event.subject_id ?? null,
    purposes: event.purposes,
    region: event.region ?? null,
    data_category: event.data_category ?? null,
    retention_until: toColumnTime(event.retention_until),
    writer_id: stamp.writer_id,
    epoch: stamp.epoch,
    lane: stamp.lane,
    seq: stamp.seq,
    appended_at: stamp.appended_at,
  }
}

/** Feature name to one of its properties, for the features that have it. */
function featureMap<T>(features: readonly ServedFeature[], pick: (feature: ServedFeature) => T | undefined): Record<string, T> {
  const map: Record<string, T> = {}
  for (const feature of features) {
    const value = pick(feature)
    if (value !== undefined) map[feature.name] = value
  }
  return map
}
