import fc from 'fast-check'
import type { FeatureEvent } from '../../../contracts/feature-event.ts'
import { type LabelEvent, labelSourceKinds } from '../../../contracts/label-event.ts'
import { lanes } from '../../../contracts/origin.ts'
import {
  featureSource,
  featureStatus,
  type PredictionEvent,
  predictionEventV1,
  predictionRoute,
  predictionStatus,
  type RecordedTensor,
  type ServedFeature,
} from '../../../contracts/prediction-event.ts'
import { maxUint32, toTimestamp } from '../../../contracts/primitives.ts'
import { type LogRecord, logRecordKinds } from '../../event-log/event-log.ts'
import { type EventFields, toEvent } from '../rows/stored.ts'

/** Events of every field that a contract names, each of them absent at times where it may be. */
function events<Event extends object>(fields: {
  [Field in keyof EventFields<Event>]: fc.Arbitrary<EventFields<Event>[Field]>
}): fc.Arbitrary<Event> {
  return fc.record(fields).map((all) => toEvent<Event>(all as unknown as EventFields<Event>))
}

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null })

/** A name of a column, among them `constructor`, which every object inherits. */
const columnName = fc.oneof(fc.stringMatching(/^[a-z][a-z0-9_]{0,9}$/), fc.constant('constructor'))
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
const anyText = fc.string({ unit: 'binary', maxLength: 20 })
const sha256 = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'.split('')), minLength: 64, maxLength: 64 })
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)
const uint64 = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const uint32 = fc.nat({ max: maxUint32 })
const timeMs = fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(2299, 11, 31) })
const time = timeMs.map(toTimestamp)
/** A time of retention so far ahead that no row is removed. */
const retention = fc.integer({ min: Date.UTC(2200, 0, 1), max: Date.UTC(2299, 11, 31) }).map(toTimestamp)
/** An id of a UUIDv7 whose day, and so whose partition, is the same for all. */
const uuid7 = fc.tuple(fc.nat({ max: 3_600_000 }), fc.uuid()).map(([ms, random]) => {
  const hex = (Date.UTC(2026, 0, 5, 12) + ms).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7${random.slice(15)}`
})
const texts = fc.array(text, { maxLength: 3 })
const ids = fc.dictionary(columnName, text, { maxKeys: 3 })
const values = fc.dictionary(columnName, fc.oneof(number, anyText), { maxKeys: 4 })

const servedFeatures = fc
  .uniqueArray(
    events<ServedFeature>({
      name: columnName,
      value: maybe(fc.oneof(number, anyText)),
      source: fc.constantFrom(...featureSource.options),
      status: fc.constantFrom(...featureStatus.options),
      reason: maybe(text),
      event_time: maybe(time),
      age_ms: maybe(fc.maxSafeInteger()),
      definition: sha256,
    }),
    { maxLength: 4, selector: ({ name }) => name },
  )
  .map(sortedFeatures)

const tensor = events<RecordedTensor>({
  name: anyText,
  datatype: fc.constantFrom('FP32', 'BYTES', 'INT64'),
  shape: fc.array(fc.nat(), { maxLength: 3 }),
  data: maybe(fc.array(fc.oneof(number, anyText, fc.boolean()), { maxLength: 4 })),
  sha256: maybe(sha256),
  bytes: maybe(fc.nat()),
  excerpt: maybe(fc.array(number, { maxLength: 2 })),
})
const tensors = fc.array(tensor, { maxLength: 2 })

/**
 * Prediction events of all that columns can say: features by name, booleans as numbers, a decision's value as text, and not
 * whether the request was traced.
 */
export const predictionEvents = events<PredictionEvent>({
  schema_version: fc.constant(1),
  prediction_id: uuid7,
  decision_id: uuid7,
  tenant: fc.constantFrom('default', 'acme'),
  payload_hash: sha256,
  request_id: text,
  index: uint32,
  question_sha256: maybe(sha256),
  idempotency_key: maybe(fc.stringMatching(/^[\x21-\x7e]{1,20}$/)),
  trace_id: maybe(sha256),
  trace_sampled: fc.constant(null),
  trigger: fc.constantFrom(...predictionEventV1.shape.trigger.options),
  tags: texts,
  model: columnName,
  model_version: fc.constantFrom('1', '2.1'),
  model_sha256: sha256,
  manifest_sha256: sha256,
  model_definition_sha256: sha256,
  feature_set_sha256: sha256,
  deployment_revision: uint64,
  code_version: text,
  route: fc.constantFrom(...predictionRoute.options),
  route_probability: fc.double({ min: 0, max: 1, noNaN: true }).map((value) => value + 0),
  execution_provider: fc.constant('cpu'),
  entities: ids,
  anchor: columnName,
  anchor_time: time,
  features: servedFeatures,
  inputs: maybe(tensors),
  features_as_of: fc.array(fc.record({ writer_id: text, epoch: uint32, seq: uint64 }), { maxLength: 3 }),
  status: fc.constantFrom(...predictionStatus.options),
  outputs: values,
  output_tensors: maybe(tensors),
  decision: maybe(events<NonNullable<PredictionEvent['decision']>>({ value: anyText, threshold: maybe(number) })),
  fallback: maybe(text),
  warnings: texts,
  error_code: maybe(text),
  ingested_at: time,
  features_read_at: maybe(time),
  predicted_at: time,
  duration_us: events<PredictionEvent['duration_us']>({
    queue: maybe(uint64),
    features: maybe(uint64),
    inference: maybe(uint64),
    total: maybe(uint64),
  }),
  subject_id: maybe(text),
  purposes: texts,
  region: maybe(text),
  data_category: maybe(text),
  retention_until: retention,
})

export const featureEvents = events<FeatureEvent>({
  schema_version: fc.constant(1),
  event_id: text,
  tenant: fc.constantFrom('default', 'acme'),
  payload_hash: sha256,
  source: columnName,
  keys: ids,
  values,
  event_time: time,
  known_at: time,
  ingested_at: time,
  retracts: maybe(text),
})

export const labelEvents = events<LabelEvent>({
  schema_version: fc.constant(1),
  label_id: text,
  tenant: fc.constantFrom('default', 'acme'),
  payload_hash: sha256,
  label: columnName,
  prediction_id: maybe(uuid7),
  request_id: maybe(text),
  index: maybe(uint32),
  entities: maybe(fc.dictionary(columnName, text, { minKeys: 1, maxKeys: 3 })),
  anchor: maybe(columnName),
  anchor_time: maybe(time),
  value_number: maybe(number),
  value_text: maybe(anyText),
  event_time: time,
  known_at: time,
  ingested_at: time,
  source: events<LabelEvent['source']>({ kind: fc.constantFrom(...labelSourceKinds), name: text, labeler: maybe(text) }),
  confidence: maybe(number),
  supersedes: maybe(text),
  retracted: fc.boolean(),
  tags: texts,
})

/** The part of a label that is read back from its row. */
export function contentOf(event: LabelEvent): Partial<LabelEvent> {
  const { prediction_id, request_id, entities, value_number, value_text, retracted } = event
  return { prediction_id, request_id, entities, value_number, value_text, retracted }
}

/** Records of any bytes, under any origin. */
export const logRecords: fc.Arbitrary<LogRecord> = fc.record({
  origin: fc.record({ writer_id: text, epoch: fc.integer({ min: 1, max: maxUint32 }), lane: fc.constantFrom(...lanes), seq: uint64 }),
  kind: fc.constantFrom(...logRecordKinds),
  id: text,
  appendedAtMs: fc.integer({ min: 0, max: Date.UTC(2299, 11, 31) }),
  payload: fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    anyText.map((all) => new Uint8Array(Buffer.from(all))),
  ),
})

/** An event's features by name: those of a row come from a map, which keeps no order. */
export function sortedFeatures<Feature extends { name: string }>(features: readonly Feature[]): Feature[] {
  return features.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}
