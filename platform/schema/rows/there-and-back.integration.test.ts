import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestWarehouse, type TestWarehouse } from '../../../embedded-warehouse/testing/warehouse-chdb.ts'
import type { LogRecord } from '../../event-log/event-log.ts'
import { migrate } from '../migrate.ts'
import { contentOf, featureEvents, labelEvents, logRecords, predictionEvents, sortedFeatures } from '../testing/arbitrary-events.ts'
import { featureEventColumns, type StoredFeatureEvent, toFeatureEvent, toFeatureEventRow } from './feature-event-row.ts'
import { type LabelRow, toLabelContent, toLabelRow } from './label-row.ts'
import { type PredictionRow, toPredictionEvent, toPredictionRow } from './prediction-row.ts'
import { type RejectRow, toRejectPayload, toRejectRow } from './reject-row.ts'
import { toOrigin } from './stamp.ts'
import type { Stored } from './stored.ts'
import { type BronzeTable, insertSettings } from './tables.ts'

let server: TestWarehouse
beforeAll(async () => {
  server = await startTestWarehouse()
  await migrate(server.warehouse)
})
afterAll(() => server.stop())

/** Puts rows into their table as the logger does, and reads them back in the order of their seq. */
async function throughTable<Row>(table: BronzeTable, rows: readonly object[], columns = '*'): Promise<Row[]> {
  await server.warehouse.command(`TRUNCATE TABLE ${table}`)
  await server.warehouse.insert(table, Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join('')), insertSettings)
  return await server.warehouse.query<Row>(`SELECT ${columns} FROM ${table} ORDER BY seq`)
}

/** Events with the records that they came in, whose seqs count from 1. */
function inLog<Event>(events: fc.Arbitrary<Event>): fc.Arbitrary<{ event: Event; record: LogRecord }[]> {
  const placed = fc.array(fc.record({ event: events, record: logRecords }), { minLength: 1, maxLength: 40 })
  return placed.map((all) =>
    all.map(({ event, record }, at) => ({ event, record: { ...record, origin: { ...record.origin, seq: at + 1 } } })),
  )
}

const runs = { numRuns: 8 }

test('a prediction event is the same after it stood in its table', async () => {
  await fc.assert(
    fc.asyncProperty(inLog(predictionEvents), async (all) => {
      const rows = all.map(({ event, record }) => toPredictionRow(event, record))
      const stored = await throughTable<Stored<PredictionRow>>('bronze.prediction_events', rows)
      const back = stored.map(toPredictionEvent).map((event) => ({ ...event, features: sortedFeatures(event.features) }))
      expect(back).toEqual(all.map(({ event }) => event))
      expect(stored.map(toOrigin)).toEqual(all.map(({ record }) => record.origin))
    }),
    runs,
  )
})

test('a feature event is the same after it stood in its table', async () => {
  await fc.assert(
    fc.asyncProperty(inLog(featureEvents), async (all) => {
      const rows = all.map(({ event, record }) => toFeatureEventRow(event, record))
      const stored = await throughTable<StoredFeatureEvent>('bronze.feature_events', rows, featureEventColumns)
      expect(stored.map(toFeatureEvent)).toEqual(all.map(({ event }) => event))
      expect(stored.map(toOrigin)).toEqual(all.map(({ record }) => record.origin))
    }),
    runs,
  )
})

test('whom a label is about and what it says is the same after it stood in its table', async () => {
  await fc.assert(
    fc.asyncProperty(inLog(labelEvents), async (all) => {
      const rows = all.map(({ event, record }) => toLabelRow(event, record))
      const stored = await throughTable<Stored<LabelRow>>('bronze.label_events', rows)
      expect(stored.map(toLabelContent)).toEqual(all.map(({ event }) => contentOf(event)))
    }),
    runs,
  )
})

test('the bytes of a reject are the same after they stood in their table', async () => {
  await fc.assert(
    fc.asyncProperty(inLog(fc.constant(undefined)), async (all) => {
      const rows = all.map(({ record }) => toRejectRow(record, { code: 'invalid_json', message: 'is none' }))
      const stored = await throughTable<Stored<RejectRow>>('bronze.rejects', rows)
      expect(stored.map((row) => new Uint8Array(toRejectPayload(row)))).toEqual(all.map(({ record }) => record.payload))
      expect(stored.map(toOrigin)).toEqual(all.map(({ record }) => record.origin))
    }),
    runs,
  )
})
