import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { startMigratedWarehouse } from '../../embedded-warehouse/testing/migrated-warehouse.ts'
import type { TestWarehouse } from '../../embedded-warehouse/testing/warehouse-chdb.ts'

let server: TestWarehouse
beforeAll(async () => {
  server = await startMigratedWarehouse()
})
afterAll(() => server.stop())
beforeEach(async () => {
  for (const table of ['prediction_events', 'prediction_fates', 'settled']) await server.warehouse.command(`TRUNCATE TABLE bronze.${table}`)
})

const base = Date.UTC(2026, 0, 5, 12)
const idOf = (n: number) =>
  `${base
    .toString(16)
    .padStart(12, '0')
    .replace(/^(.{8})/, '$1-')}-7000-8000-${String(n).padStart(12, '0')}`
const stamp = { appended_at: '2026-01-05 12:00:00.000', ingested_at: '2026-01-05 12:00:00.000', retention_until: '2099-01-01 00:00:00.000' }

type Row = { n: number; seq?: number; epoch?: number; writer_id?: string; route?: string; trigger?: string; lane?: string; tenant?: string }

/** Prediction `n`, at seq `n` of the first epoch unless said otherwise. */
const predict = (...rows: Row[]) =>
  server.warehouse.insert(
    'bronze.prediction_events',
    rows.map(({ n, ...row }) => ({
      prediction_id: idOf(n),
      tenant: 'default',
      payload_hash: 'a'.repeat(64),
      model: 'm',
      route: 'champion',
      trigger: 'api',
      writer_id: 'g',
      epoch: 1,
      lane: 'predictions',
      seq: n,
      predicted_at: stamp.ingested_at,
      anchor_time: stamp.ingested_at,
      ...stamp,
      ...row,
    })),
  )

let fates = 100
const tell = (n: number, fate: string, reason: string | null = null, row: object = {}) =>
  server.warehouse.insert('bronze.prediction_fates', [
    {
      fate_id: idOf(fates),
      prediction_id: idOf(n),
      tenant: 'default',
      payload_hash: 'b'.repeat(64),
      fate,
      reason,
      writer_id: 'g',
      epoch: 1,
      lane: 'predictions',
      seq: fates++,
      ...stamp,
      ...row,
    },
  ])

const settle = (settled_through: number, row: object = {}) =>
  server.warehouse.insert('bronze.settled', [{ writer_id: 'g', epoch: 1, lane: 'predictions', settled_through, ...row }])

async function fatesNow(): Promise<Record<number, string | null>> {
  const rows = await server.warehouse.query<{ id: string; fate: string | null; unanswered_reason: string | null }>(
    'SELECT toString(prediction_id) AS id, fate, unanswered_reason FROM silver.predictions',
  )
  return Object.fromEntries(
    rows.map(({ id, fate, unanswered_reason: reason }) => [Number(id.slice(-12)), reason === null ? fate : `${fate}: ${reason}`]),
  )
}

it('is unknown until the writer says how far it knows, and then answered', async () => {
  await predict({ n: 1 }, { n: 2 }, { n: 3 })
  expect(await fatesNow()).toEqual({ 1: 'unknown', 2: 'unknown', 3: 'unknown' })
  await settle(2)
  expect(await fatesNow()).toEqual({ 1: 'answered', 2: 'answered', 3: 'unknown' })
})

it('goes by the greatest that was said, whatever came last or twice', async () => {
  await predict({ n: 1 }, { n: 2 }, { n: 3 })
  for (const through of [3, 1, 3, 2]) await settle(through)
  expect(await fatesNow()).toEqual({ 1: 'answered', 2: 'answered', 3: 'answered' })
})

it('keeps writers, epochs and lanes apart', async () => {
  await predict({ n: 1 }, { n: 2, seq: 1, epoch: 2 }, { n: 3, seq: 1, writer_id: 'h' })
  await settle(9)
  await settle(9, { lane: 'labels', writer_id: 'h' })
  expect(await fatesNow()).toEqual({ 1: 'answered', 2: 'unknown', 3: 'unknown' })
})

it('is what a record says of it, before what the order says', async () => {
  await predict({ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }, { n: 5 })
  await settle(4)
  await tell(1, 'unanswered', 'deadline')
  await tell(2, 'unanswered', 'client_gone')
  await tell(3, 'unanswered', 'error')
  await tell(5, 'unanswered', 'deadline')
  expect(await fatesNow()).toEqual({
    1: 'unanswered: deadline',
    2: 'unanswered: client_gone',
    3: 'unanswered: error',
    4: 'answered',
    5: 'unanswered: deadline',
  })
})

it('is answered once anything delivered it, whoever says so and in any order', async () => {
  await predict({ n: 1 }, { n: 2 }, { n: 3 })
  await tell(1, 'delivered', null, { writer_id: 'other', epoch: 7 })
  await tell(1, 'unanswered', 'deadline')
  await tell(2, 'unanswered', 'client_gone')
  await tell(2, 'delivered')
  await tell(2, 'delivered')
  await tell(3, 'answered')
  expect(await fatesNow()).toEqual({ 1: 'answered', 2: 'answered', 3: 'answered' })
})

it('is none for what nobody is told of', async () => {
  await predict(
    { n: 1, route: 'shadow' },
    { n: 2, trigger: 'replay' },
    { n: 3, lane: 'batch_predictions', trigger: 'batch' },
    { n: 4, route: 'pinned' },
  )
  await settle(4)
  expect(await fatesNow()).toEqual({ 1: null, 2: null, 3: null, 4: 'answered' })
})

it('of one tenant says nothing about another, even under one id', async () => {
  await predict({ n: 1, tenant: 'a' })
  await tell(1, 'unanswered', 'deadline', { tenant: 'b' })
  expect(await fatesNow()).toEqual({ 1: 'unknown' })
})

it('can be filtered by, counted by, and left out', async () => {
  await predict({ n: 1 }, { n: 2 }, { n: 3 })
  await settle(2)
  await tell(1, 'unanswered', 'client_gone')
  const counts = await server.warehouse.query('SELECT fate, toUInt8(count()) AS n FROM silver.predictions GROUP BY fate ORDER BY fate')
  expect(counts).toEqual([
    { fate: 'answered', n: 1 },
    { fate: 'unanswered', n: 1 },
    { fate: 'unknown', n: 1 },
  ])
  const unanswered = `SELECT toUInt8(seq) AS seq FROM silver.predictions WHERE unanswered_reason = 'client_gone' AND fate = 'unanswered'`
  expect(await server.warehouse.query(unanswered)).toEqual([{ seq: 1 }])
  expect(await server.warehouse.query('SELECT toUInt8(count()) AS n FROM silver.predictions WHERE fate IS NOT NULL')).toEqual([{ n: 3 }])
})

it('reads no more of the events than before: filters reach their primary key', async () => {
  await predict(...Array.from({ length: 50 }, (_, index) => ({ n: index + 1 })))
  const plan = await server.warehouse.query<{ explain: string }>(
    `EXPLAIN indexes = 1 SELECT fate FROM silver.predictions WHERE tenant = 'default' AND model = 'm' AND prediction_id = '${idOf(7)}'`,
  )
  const text = plan.map(({ explain }) => explain).join('\n')
  expect(text).toMatch(/PrimaryKey[\s\S]*prediction_id/)
})
