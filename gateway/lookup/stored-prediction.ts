import type { PredictionEvent, RecordedTensor, ServedFeature } from '../../contracts/prediction-event.ts'
import type { PredictionFateState, UnansweredReason } from '../../contracts/prediction-fate.ts'
import type { Scalar } from '../../contracts/primitives.ts'
import { fromColumnTime } from '../../platform/warehouse/column-time.ts'

/** A row of bronze.prediction_events as ClickHouse's JSON has it. */
export type PredictionRow = {
  prediction_id: string
  decision_id: string
  tenant: string
  payload_hash: string
  request_id: string
  index: number
  question_sha256: string | null
  idempotency_key: string | null
  trace_id: string | null
  trigger: PredictionEvent['trigger']
  tags: string[]
  model: string
  model_version: string
  model_sha256: string
  manifest_sha256: string
  model_definition_sha256: string
  feature_set_sha256: string
  deployment_revision: string
  code_version: string
  route: PredictionEvent['route']
  route_probability: number
  execution_provider: string
  entities: Record<string, string>
  anchor: string
  anchor_time: string
  features_number: Record<string, number>
  features_text: Record<string, string>
  feature_source: Record<string, ServedFeature['source']>
  feature_status: Record<string, ServedFeature['status']>
  feature_reason: Record<string, string>
  feature_event_time: Record<string, string>
  feature_age_ms: Record<string, string>
  feature_definition: Record<string, string>
  features_as_of: { writer_id: string; epoch: number; seq: string }[]
  inputs: string | null
  status: PredictionEvent['status']
  outputs_number: Record<string, number>
  outputs_text: Record<string, string>
  output_tensors: string | null
  decision_value: string | null
  decision_threshold: number | null
  fallback: string | null
  warnings: string[]
  error_code: string | null
  ingested_at: string
  features_read_at: string | null
  predicted_at: string
  duration_queue_us: string | null
  duration_features_us: string | null
  duration_inference_us: string | null
  duration_total_us: string | null
  subject_id: string | null
  purposes: string[]
  region: string | null
  data_category: string | null
  retention_until: string
  fate: PredictionFateState | null
  unanswered_reason: UnansweredReason | null
}

/** A prediction event read back from its columns, where booleans are 0 and 1 and a decision's value is text, and what the caller was told. */
export type StoredPrediction = PredictionEvent & { fate?: PredictionFateState; unanswered_reason?: UnansweredReason }

export function toStoredPrediction(row: PredictionRow): StoredPrediction {
  return withoutNulls({
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
    fate: row.fate,
    unanswered_reason: row.unanswered_reason,
  }) as StoredPrediction
}

function toFeatures(row: PredictionRow): ServedFeature[] {
  return Object.entries(row.feature_status).map(([name, status]) => {
    const value: Scalar | undefined = row.features_number[name] ?? row.features_text[name]
    const eventTime = row.feature_event_time[name]
    const ageMs = row.feature_age_ms[name]
    return {
      name,
      ...(value !== undefined && { value }),
      source: row.feature_source[name] ?? 'request',
      status,
      ...(row.feature_reason[name] !== undefined && { reason: row.feature_reason[name] }),
      ...(eventTime !== undefined && { event_time: fromColumnTime(eventTime) }),
      ...(ageMs !== undefined && { age_ms: Number(ageMs) }),
      definition: row.feature_definition[name] ?? '',
    }
  })
}

function toTensors(json: string | null): RecordedTensor[] | null {
  return json === null ? null : (JSON.parse(json) as RecordedTensor[])
}

function toDecision(row: PredictionRow): { value: string; threshold?: number } | null {
  if (row.decision_value === null) return null
  return { value: row.decision_value, ...(row.decision_threshold !== null && { threshold: row.decision_threshold }) }
}

function toDurations(row: PredictionRow): Record<string, number> {
  const stages = {
    queue: row.duration_queue_us,
    features: row.duration_features_us,
    inference: row.duration_inference_us,
    total: row.duration_total_us,
  }
  return Object.fromEntries(Object.entries(stages).flatMap(([stage, us]) => (us === null ? [] : [[stage, Number(us)]])))
}

function withoutNulls(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))
}
