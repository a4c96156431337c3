import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { startMigratedWarehouse } from '../../embedded-warehouse/testing/migrated-warehouse.ts'
import type { TestWarehouse } from '../../embedded-warehouse/testing/warehouse-chdb.ts'
import { compactDelivered } from './compact-delivered.ts'
import { casesOf } from '../../test/testing/full-run.ts'

let server: TestWarehouse
beforeAll(async () => {
  server = await startMigratedWarehouse()
})
afterAll(() => server.stop())
beforeEach(() => server.warehouse.command('TRUNCATE TABLE bronze.delivered'))

const expiries = [null, '2026-01-05 12:00:00.000', '2026-01-05 13:00:00.000'] as const
const seqsPerExpiry = 500

/** A record has one time at which it expires, so runs that expire at different times never overlap. */
const run = fc
  .record({
    writer_id: fc.constantFrom('gateway-0', 'gateway-1'),
    epoch: fc.integer({ min: 1, max: 2 }),
    lane: fc.constantFrom('predictions', 'labels'),
    first_seq: fc.integer({ min: 1, max: 5_000 }),
    length: fc.integer({ min: 1, max: 400 }),
    old: fc.boolean(),
  })
  .map(({ length, ...place }) => {
    const block = Math.floor(place.first_seq / seqsPerExpiry)
    const expires_at = expiries[block % expiries.length] as string | null
    return { ...place, expires_at, length: Math.min(length, (block + 1) * seqsPerExpiry - place.first_seq) }
  })
type Run = typeof run extends fc.Arbitrary<infer T> ? T : never

async function insert(runs: readonly Run[]): Promise<void> {
  const storedAt = (old: boolean) => new Date(Date.now() - (old ? 7_200_000 : 60_000)).toISOString()
  const rows = runs.map(({ length, old, ...row }) => ({ ...row, last_seq: row.first_seq + length - 1, stored_at: storedAt(old) }))
  await server.warehouse.insert('bronze.delivered', rows)
}

/** What is known: each seq with each hour of expiry that was noted for it. */
async function covered(): Promise<object[]> {
  return await server.warehouse.query(
    `SELECT writer_id, epoch, lane, expires_at, groupBitmap(seq) AS seqs, sum(cityHash64(seq)) AS which
FROM (SELECT DISTINCT writer_id, epoch, lane, expires_at, arrayJoin(range(first_seq, last_seq + 1)) AS seq FROM bronze.delivered)
GROUP BY ALL ORDER BY ALL`,
  )
}

async function rowCount(): Promise<number> {
  const [row] = await server.warehouse.query<{ n: number }>('SELECT toUInt32(count()) AS n FROM bronze.delivered')
  return row!.n
}

test('joining runs changes nothing of what they cover, and leaves the young ones alone', async () => {
  await fc.assert(
    fc
      .asyncProperty(fc.array(run, { minLength: 1_500, maxLength: 2_500, size: 'max' }), async (runs) => {
        await insert(runs)
        const [before, rows] = [await covered(), await rowCount()]
        const { removed, added } = await compactDelivered(server.warehouse)
        expect(await covered()).toEqual(before)
        expect(await rowCount()).toBe(rows - removed + added)
        expect(await compactDelivered(server.warehouse)).toEqual({ removed: 0, added: 0 })
      })
      .afterEach(() => server.warehouse.command('TRUNCATE TABLE bronze.delivered')),
    // Shrinking thousands of rows takes minutes.
    { numRuns: casesOf({ few: 2, all: 12 }), endOnFailure: true },
  )
})

test('a row a batch becomes a row an hour', async () => {
  const hour = (index: number) => `2026-01-05 1${Math.floor(index / 600)}:00:00.000`
  const place = { writer_id: 'gateway-0', epoch: 1, lane: 'predictions', length: 10, old: true } as const
  await insert(Array.from({ length: 1_800 }, (_, index) => ({ ...place, first_seq: 10 * index + 1, expires_at: hour(index) })))
  expect(await compactDelivered(server.warehouse)).toEqual({ removed: 1_800, added: 3 })
  expect(
    await server.warehouse.query('SELECT toUInt32(first_seq) AS first, toUInt32(last_seq) AS last FROM bronze.delivered ORDER BY first'),
  ).toEqual([
    { first: 1, last: 6_000 },
    { first: 6_001, last: 12_000 },
    { first: 12_001, last: 18_000 },
  ])
})
