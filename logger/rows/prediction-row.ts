import type { PredictionEvent, ServedFeature } from '../../contracts/prediction-event.ts'
import type { LogRecord } from '../../platform/event-log/event-log.ts'
import { toScalarMaps } from './scalar-maps.ts'
import { toColumnTime, toOptionalColumnTime, toStamp } from './stamp.ts'

/** A row of `bronze.prediction_events`. What the event does not say is null or has no key, never zero. */
export function toPredictionRow(event: PredictionEvent, record: LogRecord): object {
  const outputs = toScalarMaps(Object.entries(event.outputs))
  return {
    ...identity(event),
    ...decision(event),
    entities: event.entities,
    anchor: event.anchor,
    anchor_time: toColumnTime(event.anchor_time),
    ...featureColumns(event.features),
    features_as_of: event.features_as_of.map(({ writer_id, epoch, seq }) => ({ writer_id, epoch, seq })),
    status: event.status,
    outputs_number: outputs.numbers,
    outputs_text: outputs.texts,
    decision_value: event.decision === undefined ? null : String(event.decision.value),
    decision_threshold: event.decision?.threshold ?? null,
    fallback: event.fallback ?? null,
    warnings: event.warnings,
    error_code: event.error_code ?? null,
    ...times(event),
    subject_id: event.subject_id ?? null,
    purposes: event.purposes,
    region: event.region ?? null,
    data_category: event.data_category ?? null,
    retention_until: toColumnTime(event.retention_until),
    ...toStamp(record),
  }
}

function identity(event: PredictionEvent): object {
  const { prediction_id, decision_id, tenant, payload_hash, request_id, index, trigger, tags } = event
  const optional = { idempotency_key: event.idempotency_key ?? null, trace_id: event.trace_id ?? null }
  return { prediction_id, decision_id, tenant, payload_hash, request_id, index, ...optional, trigger, tags }
}

function decision(event: PredictionEvent): object {
  const { model, model_version, model_sha256, manifest_sha256, model_definition_sha256, feature_set_sha256 } = event
  const { deployment_revision, code_version, route, route_probability, execution_provider } = event
  const hashes = { model_sha256, manifest_sha256, model_definition_sha256, feature_set_sha256 }
  return { model, model_version, ...hashes, deployment_revision, code_version, route, route_probability, execution_provider }
}

function times(event: PredictionEvent): object {
  const { queue, features, inference, outbox } = event.duration_us
  return {
    ingested_at: toColumnTime(event.ingested_at),
    features_read_at: toOptionalColumnTime(event.features_read_at),
    predicted_at: toColumnTime(event.predicted_at),
    duration_queue_us: queue ?? null,
    duration_features_us: features ?? null,
    duration_inference_us: inference ?? null,
    duration_outbox_us: outbox ?? null,
  }
}

function featureColumns(features: readonly ServedFeature[]): object {
  const values = toScalarMaps(features.map(({ name, value }) => [name, value]))
  const column = <T>(pick: (feature: ServedFeature) => T | undefined): Record<string, T> => {
    const map: Record<string, T> = Object.create(null)
    for (const feature of features) {
      const value = pick(feature)
      if (value !== undefined) map[feature.name] = value
    }
    return map
  }
  return {
    features_number: values.numbers,
    features_text: values.texts,
    feature_source: column(({ source }) => source),
    feature_status: column(({ status }) => status),
    feature_reason: column(({ reason }) => reason),
    feature_event_time: column(({ event_time }) => event_time && toColumnTime(event_time)),
    feature_age_ms: column(({ age_ms }) => age_ms),
    feature_definition: column(({ definition }) => definition),
  }
}
