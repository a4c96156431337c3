import { afterAll, beforeAll, expect, test } from 'vitest'
import { toTimestamp } from '../../contracts/primitives.ts'
import type { LogRecord } from '../../platform/event-log/event-log.ts'
import { startMigratedWarehouse } from '../../embedded-warehouse/testing/migrated-warehouse.ts'
import type { TestWarehouse } from '../../embedded-warehouse/testing/warehouse-chdb.ts'
import { predictionEvent, sealOf, toRecord } from '../testing/records.ts'
import { reconcile } from './reconcile.ts'
import { writeBatch } from '../testing/write-batch.ts'

let server: TestWarehouse
beforeAll(async () => {
  server = await startMigratedWarehouse()
})
afterAll(() => server.stop())

const past = toTimestamp(Date.now() - 3_600_000)
const store = (...records: LogRecord[]) => writeBatch(records, { warehouse: server.warehouse, pause: async () => {}, givenUp: () => true })
const record = (seq: number, retention = {}) => toRecord(predictionEvent(seq, retention), { seq })
const expiring = (seq: number) => record(seq, { retention_until: past })

async function sweep(): Promise<void> {
  await server.warehouse.command('OPTIMIZE TABLE bronze.prediction_events FINAL')
}

async function left(): Promise<number[]> {
  const rows = await server.warehouse.query<{ seq: number }>('SELECT toUInt32(seq) AS seq FROM bronze.prediction_events FINAL ORDER BY seq')
  return rows.map(({ seq }) => seq)
}

test('what was stored and is past its retention is expired; what never came, or went before its time, is missing', async () => {
  // 1 and 2 came twice, in batches with other borders; 6 never came.
  await store(expiring(1), expiring(2))
  await store(expiring(2), record(3), expiring(4))
  await store(expiring(1), record(5), record(7), toRecord(sealOf(1, 7), { kind: 'seal', seq: 8 }))
  await sweep()
  expect(await left()).toEqual([3, 5, 7])
  const report = await reconcile(server.warehouse)
  expect(report).toMatchObject({
    ok: false,
    totals: { sealed: 7, stored: 3, expired: 3, missing: 1 },
    gaps: [{ missing: 1, first_missing: [{ first_seq: 6, last_seq: 6 }] }],
    seals: [{ expected: 7, stored: 3, expired: 3, missing: 1 }],
  })

  await store(record(6))
  expect(await reconcile(server.warehouse)).toMatchObject({ ok: true, totals: { sealed: 7, stored: 4, expired: 3, missing: 0 }, gaps: [] })

  await server.warehouse.command('DELETE FROM bronze.prediction_events WHERE seq = 5')
  expect(await reconcile(server.warehouse)).toMatchObject({
    ok: false,
    gaps: [{ missing: 1, first_missing: [{ first_seq: 5, last_seq: 5 }] }],
  })
})
