import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Lane } from '../../contracts/origin.ts'
import { decode } from './decode.ts'
import { featureEvent, labelEvent, predictionEvent, sealOf, toRecord } from '../testing/records.ts'

function rowsIn(outcome: ReturnType<typeof decode>): Record<string, Record<string, unknown>> {
  if (outcome.kind !== 'ok') throw new Error(`expected rows, got ${JSON.stringify(outcome)}`)
  return Object.fromEntries(outcome.rows.map(({ table, row }) => [table, row as Record<string, unknown>]))
}

describe('a prediction event', () => {
  const event = predictionEvent(7)
  const record = toRecord(event, { seq: 9 })
  const row = rowsIn(decode(record))['bronze.prediction_events']!

  test('becomes one row with the record’s origin', () => {
    expect(row).toMatchObject({
      prediction_id: event.prediction_id,
      model: 'flight-delay',
      writer_id: 'gateway-1',
      epoch: 1,
      lane: 'predictions',
      seq: 9,
    })
  })

  test('keeps numbers, texts and booleans apart, and what was missing without a key', () => {
    expect({ ...(row['features_number'] as object) }).toEqual({ distance: 1745, holiday: 0, arrivals: 3 })
    expect({ ...(row['features_text'] as object) }).toEqual({ carrier: 'AA' })
    expect({ ...(row['feature_status'] as object) }).toMatchObject({ delay_mean: 'missing', distance: 'ok' })
    expect({ ...(row['feature_reason'] as object) }).toEqual({ delay_mean: 'no_events' })
    expect({ ...(row['feature_event_time'] as object) }).toEqual({ arrivals: '2001-06-04 11:30:00.000' })
  })

  test('says null, not zero, for what is not known', () => {
    expect(row).toMatchObject({
      idempotency_key: null,
      features_read_at: null,
      duration_features_us: null,
      error_code: null,
      subject_id: null,
    })
  })

  test('keeps its payload byte for byte, unknown fields included', () => {
    const text = JSON.stringify({ ...event, from_a_later_version: { deep: [1] } })
    const payload = rowsIn(decode(toRecord(text)))['bronze.prediction_payloads']
    expect(payload).toMatchObject({ payload: text, payload_hash: event.payload_hash, prediction_id: event.prediction_id })
  })
})

test('times with an offset or more digits are stored in UTC milliseconds', () => {
  const row = rowsIn(decode(toRecord(labelEvent(1, { event_time: '2001-06-04T10:00:00.123456-05:00' }), { lane: 'labels' })))[
    'bronze.label_events'
  ]
  expect(row).toMatchObject({ event_time: '2001-06-04 15:00:00.123' })
})

test('a label without an anchor time has none, and its source lies in three columns', () => {
  const label = labelEvent(1, { source: { kind: 'human', name: 'review', labeler: 'kim' } })
  const row = rowsIn(decode(toRecord(label, { lane: 'labels' })))['bronze.label_events']
  expect(row).toMatchObject({
    anchor_time: null,
    index: null,
    entities: {},
    source_kind: 'human',
    source_name: 'review',
    source_labeler: 'kim',
  })
})

test('a feature event keeps numbers and texts apart', () => {
  const row = rowsIn(decode(toRecord(featureEvent(1), { lane: 'feature_events' })))['bronze.feature_events']!
  expect({ ...(row['values_number'] as object) }).toEqual({ delay: 12.5, diverted: 1 })
  expect({ ...(row['values_text'] as object) }).toEqual({ note: 'gate' })
})

test('a seal becomes a row of seals in whatever lane', () => {
  for (const lane of ['predictions', 'labels', 'feature_events', 'batch_predictions'] satisfies Lane[])
    expect(rowsIn(decode(toRecord(sealOf(1, 4, { lane }), { kind: 'seal', lane, seq: 5 })))['bronze.seals']).toMatchObject({
      first_seq: 1,
      last_seq: 4,
      lane,
    })
})

test('a kept item of a client becomes a reject with its reason', () => {
  const item = { schema_version: 1, tenant: 'default', kind: 'feature_event', name: 'arrivals', code: 'out_of_range', path: 'values.delay' }
  const record = toRecord(
    { ...item, message: 'too late', item: { values: { delay: 9e9 } }, ingested_at: '2026-01-05T12:00:00.000Z' },
    { kind: 'reject', lane: 'feature_events' },
  )
  const row = rowsIn(decode(record))['bronze.rejects']
  expect(row).toMatchObject({
    kind: 'reject',
    name: 'arrivals',
    code: 'out_of_range',
    path: 'values.delay',
    raw: Buffer.from(record.payload).toString(),
  })
})

describe('what cannot be an event is dead, with the reason', () => {
  const reasonOf = (payload: object | string | Uint8Array) => {
    const outcome = decode(toRecord(payload))
    return outcome.kind === 'dead' ? outcome.reason : outcome
  }
  test.each([
    ['no JSON', '{"a":', 'invalid_json'],
    ['no object', '[1]', 'invalid_json'],
    ['no UTF-8', new Uint8Array([0x7b, 0xff, 0x7d]), 'invalid_json'],
    ['no version', {}, 'unsupported_schema_version'],
    ['a version of the future', { ...predictionEvent(1), schema_version: 2 }, 'unsupported_schema_version'],
    [
      'a number beyond doubles',
      JSON.stringify(predictionEvent(1)).replace('"route_probability":1', '"route_probability":1e400'),
      'invalid_event',
    ],
  ])('%s', (_, payload, code) => {
    expect(reasonOf(payload)).toMatchObject({ code })
  })

  test('a missing field is named by its path, and the tenant is kept', () => {
    const { prediction_id: _, ...event } = predictionEvent(1)
    expect(reasonOf(event)).toMatchObject({ code: 'invalid_event', path: 'prediction_id', tenant: 'default' })
    expect(reasonOf(predictionEvent(1, { features: [{ name: 'x' }] as never }))).toMatchObject({
      path: expect.stringMatching(/^features\[0\]\./),
    })
  })
})

test('a record without an origin is dropped', () => {
  const record = toRecord(predictionEvent(1))
  expect(decode({ ...record, origin: { ...record.origin, seq: 0 } })).toMatchObject({ kind: 'drop' })
})

const valid = [
  { event: predictionEvent(1), at: { lane: 'predictions', kind: 'event' } },
  { event: labelEvent(1), at: { lane: 'labels', kind: 'event' } },
  { event: featureEvent(1), at: { lane: 'feature_events', kind: 'event' } },
  { event: sealOf(1, 4), at: { lane: 'predictions', kind: 'seal' } },
] as const

test('whatever a field is changed into, decoding does not throw, and what comes out can be encoded', () => {
  const value = fc.oneof(
    fc.json().map((text) => JSON.parse(text) as unknown),
    fc.string(),
    fc.double(),
    fc.constant(undefined),
  )
  fc.assert(
    fc.property(fc.constantFrom(...valid), fc.nat(), value, ({ event, at }, which, changed) => {
      const names = Object.keys(event)
      const outcome = decode(toRecord({ ...event, [names[which % names.length]!]: changed }, at))
      expect(['ok', 'dead']).toContain(outcome.kind)
      if (outcome.kind === 'ok') JSON.stringify(outcome.rows)
    }),
    { numRuns: 2_000 },
  )
})

test('a seal whose time is none is dead', () => {
  const outcome = decode(toRecord({ ...sealOf(1, 4), sealed_at: 'yesterday' }, { kind: 'seal' }))
  expect(outcome).toMatchObject({ kind: 'dead', reason: { code: 'invalid_event', path: 'sealed_at' } })
})

test('a number that its column would store as another one is refused', () => {
  const beyond = 2 ** 32 + 5
  expect(decode(toRecord(predictionEvent(1, { index: beyond })))).toMatchObject({ kind: 'dead', reason: { path: 'index' } })
  expect(decode(toRecord(labelEvent(1, { index: beyond }), { lane: 'labels' }))).toMatchObject({ kind: 'dead', reason: { path: 'index' } })
  expect(decode(toRecord(predictionEvent(1), { epoch: beyond }))).toMatchObject({ kind: 'drop' })
})
