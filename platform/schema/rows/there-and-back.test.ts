import fc from 'fast-check'
import { expect, test } from 'vitest'
import { contentOf, featureEvents, labelEvents, logRecords, predictionEvents, sortedFeatures } from '../testing/arbitrary-events.ts'
import { toFeatureEvent, toFeatureEventRow } from './feature-event-row.ts'
import { toLabelContent, toLabelRow } from './label-row.ts'
import { toPredictionEvent, toPredictionRow } from './prediction-row.ts'
import { toRejectPayload, toRejectRow } from './reject-row.ts'
import { toOrigin } from './stamp.ts'
import type { Stored } from './stored.ts'

type Columns = Record<string, unknown>

/** A row through ClickHouse's JSON: maps by key, and these columns of 64-bit integers, or of maps of them, as text. */
function given<Row extends object>(row: Row, int64: readonly (keyof Row)[]): Stored<Row> {
  const written = JSON.parse(JSON.stringify(row)) as Columns
  const columns = Object.entries(written).map(([column, value]) => [column, read(value, int64.includes(column as keyof Row))])
  return Object.fromEntries(columns) as Stored<Row>
}

function read(value: unknown, isInt64: boolean): unknown {
  if (isInt64 && typeof value === 'number') return String(value)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, held]) => [key, read(held, isInt64)]))
}

const durations = ['duration_queue_us', 'duration_features_us', 'duration_inference_us', 'duration_total_us'] as const

test('a prediction event is the same after it was a row', () => {
  fc.assert(
    fc.property(predictionEvents, logRecords, (event, record) => {
      const row = given(toPredictionRow(event, record), ['deployment_revision', 'feature_age_ms', 'seq', ...durations])
      const features_as_of = row.features_as_of.map((position) => ({ ...position, seq: String(position.seq) }))
      const back = toPredictionEvent({ ...row, features_as_of })
      expect({ ...back, features: sortedFeatures(back.features) }).toEqual(event)
      expect(toOrigin(row)).toEqual(record.origin)
    }),
  )
})

test('a feature event is the same after it was a row', () => {
  fc.assert(
    fc.property(featureEvents, logRecords, (event, record) => {
      const row = given(toFeatureEventRow(event, record), ['seq'])
      expect(toFeatureEvent(row)).toEqual(event)
      expect(toOrigin(row)).toEqual(record.origin)
    }),
  )
})

test('whom a label is about and what it says is the same after it was a row', () => {
  fc.assert(
    fc.property(labelEvents, logRecords, (event, record) => {
      const row = given(toLabelRow(event, record), ['seq'])
      expect(toLabelContent(row)).toEqual(contentOf(event))
      expect(toOrigin(row)).toEqual(record.origin)
    }),
  )
})

test('the bytes of a reject are the same after they were a row, whatever they are', () => {
  fc.assert(
    fc.property(logRecords, (record) => {
      const row = given(toRejectRow(record, { code: 'invalid_json', message: 'is none' }), ['seq'])
      expect(new Uint8Array(toRejectPayload(row))).toEqual(record.payload)
      expect(toOrigin(row)).toEqual(record.origin)
    }),
  )
})
