import { z } from 'zod'
import { sha256Hex, toCanonicalJson } from './canonical-json.ts'
import { appliedPosition } from './origin.ts'
import {
  columnName,
  idempotencyKey,
  instanceIndex,
  name,
  opaqueId,
  scalar,
  sha256,
  tags,
  tenant,
  timestamp,
  uuid,
  versionName,
} from './primitives.ts'

export const featureSource = z.enum(['request', 'online', 'derived'])
export const featureStatus = z.enum(['ok', 'missing', 'stale', 'defaulted'])

/** One feature as the model saw it. `value` is absent when the model saw "missing". */
export const servedFeature = z.looseObject({
  name: columnName,
  value: scalar.optional(),
  source: featureSource,
  status: featureStatus,
  reason: z.string().optional().describe('Why the status is not ok, as no_events, not_sent, anchor_too_old or store_unavailable.'),
  event_time: timestamp.optional().describe('Event time of the newest event in the value.'),
  age_ms: z.int().optional().describe('Anchor time minus event_time, in milliseconds.'),
  definition: sha256.describe('Hash of the definition the value was computed by.'),
})
export type ServedFeature = z.infer<typeof servedFeature>

/** A tensor of one instance in an Open Inference Protocol request or answer: whole, or where that is long its digest and its first elements. */
export const recordedTensor = z.looseObject({
  name: z.string(),
  datatype: z.string().describe("The protocol's name of the element type, as FP32 or BYTES."),
  shape: z.array(z.int().nonnegative()).describe('Of the instance: the first dimension is 1.'),
  data: z
    .array(z.union([z.number(), z.string(), z.boolean()]))
    .optional()
    .describe('Row-major; 64-bit integers as decimal text, NaN as "NaN". Left out where the tensor is long.'),
  sha256: sha256.optional().describe("Of the elements in the protocol's binary form, where data is left out."),
  bytes: z.int().nonnegative().optional().describe('Their length, where data is left out.'),
  excerpt: z
    .array(z.union([z.number(), z.string(), z.boolean()]))
    .optional()
    .describe('The first elements, where data is left out.'),
})
export type RecordedTensor = z.infer<typeof recordedTensor>

export const predictionRoute = z.enum(['champion', 'challenger', 'pinned', 'shadow'])
export const predictionStatus = z.enum(['ok', 'fallback', 'error'])

export const predictionEventV1 = z.looseObject({
  schema_version: z.literal(1),
  prediction_id: uuid.describe('UUIDv7, ours.'),
  decision_id: uuid.describe('One per accepted instance; shared by its served prediction, shadows and replays. Labels resolve to it.'),
  tenant,
  payload_hash: sha256.describe('SHA-256 over the RFC 8785 form of the event without this field.'),
  request_id: opaqueId,
  index: instanceIndex.describe('Position of the instance in its request.'),
  idempotency_key: idempotencyKey.optional(),
  trace_id: z.string().optional(),
  trace_sampled: z
    .boolean()
    .optional()
    .describe('True where the span that made the event durable was recorded: its id is the last 16 digits of prediction_id.'),
  trigger: z.enum(['api', 'stream', 'batch', 'replay']),
  tags,

  model: name,
  model_version: versionName,
  model_sha256: sha256,
  manifest_sha256: sha256,
  model_definition_sha256: sha256,
  feature_set_sha256: sha256,
  deployment_revision: z.int().nonnegative(),
  code_version: z.string(),
  route: predictionRoute,
  route_probability: z.number().min(0).max(1),
  execution_provider: z.string(),

  entities: z.record(columnName, opaqueId),
  anchor: columnName,
  anchor_time: timestamp,

  features: z.array(servedFeature),
  inputs: z.array(recordedTensor).optional().describe('The tensors sent, where the caller sent tensors.'),
  features_as_of: z.array(appliedPosition).describe('Per writer and epoch of the feature_events lane, what the online store had applied.'),

  status: predictionStatus,
  outputs: z.record(columnName, scalar),
  output_tensors: z.array(recordedTensor).optional().describe('The tensors that the model gave, where the caller sent tensors.'),
  decision: z.looseObject({ value: scalar, threshold: z.number().optional() }).optional(),
  fallback: z.string().optional(),
  warnings: z.array(z.string()),
  error_code: z.string().optional(),

  ingested_at: timestamp.describe('Receipt of the request.'),
  features_read_at: timestamp.optional(),
  predicted_at: timestamp,
  duration_us: z.looseObject({
    queue: z.int().nonnegative().optional(),
    features: z.int().nonnegative().optional(),
    inference: z.int().nonnegative().optional(),
    total: z
      .int()
      .nonnegative()
      .optional()
      .describe('From the receipt of the request to the start of the commit, which the event cannot see the end of.'),
  }),

  subject_id: opaqueId.optional(),
  question_sha256: sha256
    .optional()
    .describe(
      'Equal for requests that ask the same, whichever version answers: over tenant, model, request_id, index, entities, anchor, the anchor_time that was sent, and the features or tensors that were sent. Absent where the caller gave no request_id: then nothing repeats it.',
    ),
  purposes: z.array(z.string()).default([]),
  region: z.string().optional(),
  data_category: z.string().optional(),
  retention_until: timestamp,
})

/** One prediction, immutable: what the model saw, which model it was, and what it said. */
export type PredictionEvent = z.infer<typeof predictionEventV1>

/** A prediction event before it is encoded, without the hash that encoding adds. */
export type UnsealedPredictionEvent = {
  [Field in keyof PredictionEvent as string extends Field ? never : Exclude<Field, 'payload_hash'>]: PredictionEvent[Field]
}

/** The event's JSON with its `payload_hash`. */
export function encodePredictionEvent(event: UnsealedPredictionEvent): string {
  const canonical = toCanonicalJson(event)
  return `{"payload_hash":"${sha256Hex(canonical)}",${canonical.slice(1)}`
}
