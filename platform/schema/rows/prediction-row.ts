import type { PredictionEvent, RecordedTensor, ServedFeature } from '../../../contracts/prediction-event.ts'
import type { LogRecord } from '../../event-log/event-log.ts'
import { toScalarMaps } from './scalar-maps.ts'
import type { Scalar } from '../../../contracts/primitives.ts'
import { ownEntry } from '../../project/own-entry.ts'
import { fromColumnTime, toColumnTime } from '../../warehouse/column-time.ts'
import { toStamp } from './stamp.ts'
import { type Int64, type Stored, toEvent } from './stored.ts'

/** A row of `bronze.prediction_events`. */
export type PredictionRow = ReturnType<typeof toPredictionRow>

/**
 * The row of an event; a field that the event lacks is null or has no key, and is never zero. It is one flat literal: every
 * stored event passes here, and V8 makes an object of known fields many times as fast as one that is put together from spread
 * parts.
 */
export function toPredictionRow(event: PredictionEvent, record: LogRecord) {
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
    deployment_revision: event.deployment_revision as Int64,
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
    feature_age_ms: featureMap(features, ({ age_ms }) => age_ms as Int64 | undefined),
    feature_definition: featureMap(features, ({ definition }) => definition),
    features_as_of: event.features_as_of.map(({ writer_id, epoch, seq }) => ({ writer_id, epoch, seq: seq as Int64 })),
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
    duration_queue_us: (duration.queue ?? null) as Int64 | null,
    duration_features_us: (duration.features ?? null) as Int64 | null,
    duration_inference_us: (duration.inference ?? null) as Int64 | null,
    duration_total_us: (duration.total ?? null) as Int64 | null,
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

/** The event of a row, in which booleans are 0 and 1 and a decision's value is text. Whether it was traced has no column. */
export function toPredictionEvent(row: Stored<PredictionRow>): PredictionEvent {
  return toEvent<PredictionEvent>({
    schema_version: 1,
    prediction_id: row.prediction_id,
    decision_id: row.decision_id,
    tenant: row.tenant,
    payload_hash: row.payload_hash,
    request_id: row.request_id,
    index: row.index,
    question_sha256: row.question_sha256,
    idempotency_key: row.idempotency_key,
    trace_id: row.trace_id,
    trace_sampled: null,
    trigger: row.trigger,
    tags: row.tags,
    model: row.model,
    model_version: row.model_version,
    model_sha256: row.model_sha256,
    manifest_sha256: row.manifest_sha256,
    model_definition_sha256: row.model_definition_sha256,
    feature_set_sha256: row.feature_set_sha256,
    deployment_revision: Number(row.deployment_revision),
    code_version: row.code_version,
    route: row.route,
    route_probability: row.route_probability,
    execution_provider: row.execution_provider,
    entities: row.entities,
    anchor: row.anchor,
    anchor_time: fromColumnTime(row.anchor_time),
    features: toFeatures(row),
    features_as_of: row.features_as_of.map(({ writer_id, epoch, seq }) => ({ writer_id, epoch, seq: Number(seq) })),
    inputs: toTensors(row.inputs),
    status: row.status,
    outputs: { ...row.outputs_number, ...row.outputs_text },
    output_tensors: toTensors(row.output_tensors),
    decision: toDecision(row),
    fallback: row.fallback,
    warnings: row.warnings,
    error_code: row.error_code,
    ingested_at: fromColumnTime(row.ingested_at),
    features_read_at: row.features_read_at === null ? null : fromColumnTime(row.features_read_at),
    predicted_at: fromColumnTime(row.predicted_at),
    duration_us: toDurations(row),
    subject_id: row.subject_id,
    purposes: row.purposes,
    region: row.region,
    data_category: row.data_category,
    retention_until: fromColumnTime(row.retention_until),
  })
}

function toFeatures(row: Stored<PredictionRow>): ServedFeature[] {
  return Object.entries(row.feature_status).map(([name, status]) => {
    const eventTime = ownEntry(row.feature_event_time, name)
    const ageMs = ownEntry(row.feature_age_ms, name)
    return toEvent<ServedFeature>({
      name,
      value: ownEntry<Scalar>(row.features_number, name) ?? ownEntry(row.features_text, name) ?? null,
      source: ownEntry(row.feature_source, name) ?? 'request',
      status,
      reason: ownEntry(row.feature_reason, name) ?? null,
      event_time: eventTime === undefined ? null : fromColumnTime(eventTime),
      age_ms: ageMs === undefined ? null : Number(ageMs),
      definition: ownEntry(row.feature_definition, name) ?? '',
    })
  })
}

function toTensors(json: string | null): RecordedTensor[] | null {
  return json === null ? null : (JSON.parse(json) as RecordedTensor[])
}

type Decision = NonNullable<PredictionEvent['decision']>

function toDecision({ decision_value: value, decision_threshold: threshold }: Stored<PredictionRow>): Decision | null {
  return value === null ? null : toEvent<Decision>({ value, threshold })
}

function toDurations(row: Stored<PredictionRow>): PredictionEvent['duration_us'] {
  const toNumber = (us: string | null) => (us === null ? null : Number(us))
  return toEvent<PredictionEvent['duration_us']>({
    queue: toNumber(row.duration_queue_us),
    features: toNumber(row.duration_features_us),
    inference: toNumber(row.duration_inference_us),
    total: toNumber(row.duration_total_us),
  })
}
