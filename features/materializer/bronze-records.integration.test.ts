import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { migrate } from '../../platform/schema/migrate.ts'
import { startMigratedWarehouse } from '../../embedded-warehouse/testing/migrated-warehouse.ts'
import type { TestWarehouse } from '../../embedded-warehouse/testing/warehouse-chdb.ts'
import { createBronzeRecords } from './bronze-records.ts'
import { casesOf } from '../../test/testing/full-run.ts'

let server: TestWarehouse
beforeAll(async () => {
  server = await startMigratedWarehouse()
})
afterAll(() => server.stop())

const tables = ['bronze.feature_events', 'bronze.rejects', 'bronze.seals']
beforeEach(async () => {
  for (const table of [...tables, 'bronze.delivered']) await server.warehouse.command(`TRUNCATE TABLE ${table}`)
})

/** How far the rows themselves reach from seq 1 on. */
const byRows = `SELECT toString(writer_id) AS writer, toFloat64(epoch) AS epoch_number, toFloat64(max(seq)) AS last_seq
FROM (
  SELECT writer_id, epoch, seq, row_number() OVER (PARTITION BY writer_id, epoch ORDER BY seq) AS position
  FROM (SELECT DISTINCT writer_id, epoch, seq FROM (${tables.map((table) => `SELECT writer_id, epoch, lane, seq FROM ${table}`).join(' UNION ALL ')})
    WHERE lane = 'feature_events')
)
WHERE seq = position GROUP BY writer_id, epoch ORDER BY writer_id, epoch`

async function positionsByRows(): Promise<object[]> {
  const rows = await server.warehouse.query<{ writer: string; epoch_number: number; last_seq: number }>(byRows)
  return rows.map(({ writer, epoch_number, last_seq }) => ({ writer_id: writer, epoch: epoch_number, seq: last_seq }))
}

const delivery = fc.record({
  writer_id: fc.constantFrom('gateway-0', 'gateway-1', 'w'),
  epoch: fc.integer({ min: 1, max: 2 }),
  lane: fc.constantFrom('feature_events', 'feature_events', 'feature_events', 'labels'),
  first_seq: fc.integer({ min: 1, max: 25 }),
  length: fc.integer({ min: 1, max: 8 }),
  /** Which table each record of it went to. */
  into: fc.array(fc.nat(2), { minLength: 1, maxLength: 4 }),
})
type Delivery = typeof delivery extends fc.Arbitrary<infer T> ? T : never

function rowsOf({ first_seq, length, into, writer_id, epoch, lane }: Delivery): { table: string; row: object }[] {
  return Array.from({ length }, (_, index) => ({
    table: tables[into[index % into.length]!]!,
    row: { writer_id, epoch, lane, seq: first_seq + index },
  }))
}

async function store(deliveries: readonly Delivery[], { known }: { known: boolean }): Promise<void> {
  const rows = deliveries.flatMap(rowsOf)
  for (const table of tables) {
    const own = rows.filter((row) => row.table === table).map(({ row }) => row)
    await server.warehouse.insert(table, own)
  }
  const runs = deliveries.map(({ length, into: _, ...run }) => ({ ...run, last_seq: run.first_seq + length - 1 }))
  if (known) await server.warehouse.insert('bronze.delivered', runs)
}

async function positions(): Promise<object[]> {
  const found = await createBronzeRecords(server.warehouse).completePositions()
  return found.toSorted((a, b) => (a.writer_id < b.writer_id ? -1 : a.writer_id > b.writer_id ? 1 : a.epoch - b.epoch))
}

test('the runs say what the rows say, with gaps, rejects, seals, overlaps, other lanes and whatever order', async () => {
  await fc.assert(
    fc
      .asyncProperty(fc.array(delivery, { minLength: 1, maxLength: 14 }), async (deliveries) => {
        await store(deliveries, { known: true })
        expect(await positions()).toEqual(await positionsByRows())
      })
      .afterEach(async () => {
        for (const table of [...tables, 'bronze.delivered']) await server.warehouse.command(`TRUNCATE TABLE ${table}`)
      }),
    { numRuns: casesOf({ few: 6, all: 50 }) },
  )
})

test('what was stored before there were runs is known after the migration', async () => {
  const place = { writer_id: 'w', epoch: 1, lane: 'feature_events' } as const
  const stored = [1, 4, 12].map((first_seq) => ({ ...place, first_seq, length: 4, into: [0, 1, 2] }))
  await store(stored, { known: false })
  expect(await positions()).toEqual([])
  await server.warehouse.command(`DELETE FROM hindsight.migrations WHERE name LIKE '0007%'`)
  await migrate(server.warehouse)
  expect(await positions()).toEqual([{ writer_id: 'w', epoch: 1, seq: 7 }])
})
