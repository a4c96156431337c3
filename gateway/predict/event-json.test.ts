import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toCanonicalJson } from '../../contracts/canonical-json.ts'
import { predictionEventV1, type UnsealedPredictionEvent } from '../../contracts/prediction-event.ts'
import { toEventJson } from './event-json.ts'

const text = fc.string({ unit: 'binary' })
const number = fc.double({ noNaN: true, noDefaultInfinity: true })
const scalar = fc.oneof(number, text, fc.boolean())
const count = fc.nat()
const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,63}$/)
const sha256 = fc.stringMatching(/^[0-9a-f]{64}$/)
const time = fc.date({ min: new Date('1900-01-01'), max: new Date('2300-01-01'), noInvalidDate: true }).map((date) => date.toISOString())
const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined })
const few = { maxLength: 3 }
const record = fc.dictionary(name, scalar, { maxKeys: 3, noNullPrototype: true })

const feature = fc.record({
  name,
  value: maybe(scalar),
  source: fc.constantFrom('request' as const, 'online' as const, 'derived' as const),
  status: fc.constantFrom('ok' as const, 'missing' as const),
  reason: maybe(text),
  event_time: maybe(time),
  age_ms: maybe(fc.integer()),
  definition: sha256,
})
const tensor = fc.record({ name: text, datatype: text, shape: fc.array(count, few), data: maybe(fc.array(scalar, few)) })

const event: fc.Arbitrary<UnsealedPredictionEvent> = fc.record({
  schema_version: fc.constant(1 as const),
  prediction_id: fc.uuid(),
  decision_id: fc.uuid(),
  tenant: name,
  request_id: text,
  index: count,
  idempotency_key: maybe(text),
  trace_id: maybe(text),
  trace_sampled: maybe(fc.constant(true)),
  trigger: fc.constant('api' as const),
  tags: fc.array(text, few),
  model: name,
  model_version: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/),
  model_sha256: sha256,
  manifest_sha256: sha256,
  model_definition_sha256: sha256,
  feature_set_sha256: sha256,
  deployment_revision: count,
  code_version: text,
  route: fc.constantFrom('champion' as const, 'shadow' as const),
  route_probability: fc.double({ min: 0, max: 1, noNaN: true }),
  execution_provider: text,
  entities: fc.dictionary(name, text, { maxKeys: 3, noNullPrototype: true }),
  anchor: name,
  anchor_time: time,
  features: fc.array(feature, few),
  inputs: maybe(fc.array(tensor, few)),
  features_as_of: fc.array(fc.record({ writer_id: text, epoch: count, seq: count }), few),
  status: fc.constantFrom('ok' as const, 'error' as const),
  outputs: record,
  output_tensors: maybe(fc.array(tensor, few)),
  decision: maybe(fc.record({ value: scalar, threshold: maybe(number) })),
  fallback: maybe(text),
  warnings: fc.array(text, few),
  error_code: maybe(text),
  ingested_at: time,
  features_read_at: maybe(time),
  predicted_at: time,
  duration_us: fc.record({ queue: maybe(count), features: maybe(count), inference: maybe(count) }),
  subject_id: maybe(text),
  purposes: fc.array(text, few),
  question_sha256: maybe(sha256),
  region: maybe(text),
  data_category: maybe(text),
  retention_until: time,
})

test('is the canonical form', () => {
  fc.assert(
    fc.property(event, (value) => {
      expect(toEventJson(value)).toBe(toCanonicalJson(value))
    }),
  )
})

test('knows every field of the contract', () => {
  const [sample] = fc.sample(event, 1)
  expect([...Object.keys(sample!), 'payload_hash'].toSorted()).toEqual(Object.keys(predictionEventV1.shape).toSorted())
})

test('has no form for NaN and Infinity', () => {
  const [sample] = fc.sample(event, 1)
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY])
    for (const broken of [
      { ...sample!, outputs: { probability: value } },
      { ...sample!, features: [{ name: 'x', value, source: 'request' as const, status: 'ok' as const, definition: '' }] },
    ])
      expect(() => toEventJson(broken)).toThrow()
})
