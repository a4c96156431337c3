import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LogRecord } from '../../platform/event-log/event-log.ts'
import { startMigratedWarehouse } from '../../embedded-warehouse/testing/migrated-warehouse.ts'
import type { TestWarehouse } from '../../embedded-warehouse/testing/warehouse-chdb.ts'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import { fateEvent, labelEvent, predictionEvent, sealOf, toRecord } from '../testing/records.ts'
import { acknowledge } from './acknowledge.ts'
import { reconcile } from './reconcile.ts'
import { toReportText } from './report-text.ts'
import { casesOf } from '../../test/testing/full-run.ts'
import { writeBatch } from '../testing/write-batch.ts'

let server: TestWarehouse
beforeAll(async () => {
  server = await startMigratedWarehouse()
})
afterAll(() => server.stop())

const store = (...records: LogRecord[]) => writeBatch(records, { warehouse: server.warehouse, pause: async () => {}, givenUp: () => true })

async function empty(): Promise<void> {
  const tables = ['prediction_events', 'prediction_fates', 'settled', 'label_events', 'rejects', 'seals', 'delivered'].map(
    (name) => `bronze.${name}`,
  )
  const kept = ['hindsight.reconciled_parts', 'hindsight.reconciled_doubles', 'hindsight.acknowledged_doubles']
  await Promise.all([...tables, ...kept].map((table) => server.warehouse.command(`TRUNCATE TABLE ${table}`)))
}

const seqsOf = fc.uniqueArray(fc.integer({ min: 1, max: 10 }), { minLength: 1, maxLength: 9 })
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('store' as const), seqs: seqsOf, poison: fc.nat(4) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('double' as const), seqs: seqsOf.map((seqs) => seqs.slice(0, 2)) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('merge' as const), seqs: fc.constant<number[]>([]) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('lose' as const), seqs: seqsOf.map((seqs) => seqs.slice(0, 3)) }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** Does the step in the warehouse, and in the two sets that say what must be found: seqs that are stored, ids that are double. */
async function take(one: Step, { stored, doubles }: { stored: Set<number>; doubles: Set<number> }): Promise<void> {
  if (one.kind === 'store') {
    // A record is poison or not for good: redelivered, it comes to the same end.
    const isPoison = (seq: number) => seq % 5 === 4
    await store(...one.seqs.map((seq) => toRecord(isPoison(seq) ? 'poison' : predictionEvent(seq), { seq })))
    for (const seq of one.seqs) stored.add(seq)
  } else if (one.kind === 'double') {
    await store(
      ...one.seqs.flatMap((seq) => [labelEvent(seq), labelEvent(seq, { value_number: 0 })].map((event, n) => labelAt(event, 2 * seq + n))),
    )
    for (const seq of one.seqs) doubles.add(seq)
  } else if (one.kind === 'merge') {
    for (const table of ['prediction_events', 'label_events', 'rejects'])
      await server.warehouse.command(`OPTIMIZE TABLE bronze.${table} FINAL`)
  } else {
    await server.warehouse.command('DELETE FROM bronze.prediction_events WHERE seq IN {seqs:Array(UInt64)}', { seqs: one.seqs })
    await server.warehouse.command('DELETE FROM bronze.rejects WHERE seq IN {seqs:Array(UInt64)}', { seqs: one.seqs })
    for (const seq of one.seqs) stored.delete(seq)
  }
}

const labelAt = (event: object, seq: number) => toRecord(event, { lane: 'labels', seq })

function missingOf(report: Awaited<ReturnType<typeof reconcile>>): number[] {
  const ranges = report.gaps.filter(({ lane }) => lane === 'predictions').flatMap((gap) => gap.first_missing)
  return ranges.flatMap(({ first_seq, last_seq }) => Array.from({ length: last_seq - first_seq + 1 }, (_, index) => first_seq + index))
}

test('run after run finds what is missing and what is double, whatever was stored, merged or lost in between', async () => {
  await fc.assert(
    fc
      .asyncProperty(fc.array(step, { minLength: 2, maxLength: 5 }), async (steps) => {
        const [stored, doubles] = [new Set<number>(), new Set<number>()]
        await store(toRecord(sealOf(1, 8), { kind: 'seal', seq: 9 }))
        for (const one of steps) {
          await take(one, { stored, doubles })
          const report = await reconcile(server.warehouse)
          const sealed = [1, 2, 3, 4, 5, 6, 7, 8]
          expect(missingOf(report)).toEqual(sealed.filter((seq) => !stored.has(seq)))
          expect(report.double_payloads.map(({ id }) => id)).toEqual([...doubles].map((seq) => `label-${seq}`).toSorted())
          expect(report.ok).toBe(doubles.size === 0 && sealed.every((seq) => stored.has(seq)))
        }
        expect(await reconcile(server.warehouse, { full: true })).toEqual(await reconcile(server.warehouse))
      })
      .afterEach(empty),
    { numRuns: casesOf({ few: 2, all: 20 }) },
  )
})

test('says per hour what was stored and what of it is in rejects', async () => {
  await empty()
  const at = (record: LogRecord, hour: number) => ({ ...record, appendedAtMs: Date.UTC(2026, 0, 5, hour, 30) })
  const hour = (from: number, hourOfDay: number) => [
    ...[0, 1, 2].map((n) => at(toRecord(n === 1 ? 'poison' : predictionEvent(from + n), { seq: from + n }), hourOfDay)),
    at(toRecord(sealOf(from, from + 2), { kind: 'seal', seq: from + 3 }), hourOfDay + 1),
  ]
  await store(...hour(1, 9), ...hour(5, 13))
  const { seals, ok } = await reconcile(server.warehouse)
  expect(ok).toBe(true)
  expect(seals).toMatchObject([
    { hour: '2026-01-05T09:00:00Z', first_seq: 1, expected: 3, stored: 3, rejected: 1, missing: 0 },
    { hour: '2026-01-05T13:00:00Z', first_seq: 5, expected: 3, stored: 3, rejected: 1, missing: 0 },
  ])
})

test('counts what callers were told, and a fate is a record that a seal counts like any other', async () => {
  await empty()
  const predict = (n: number, seq: number, settledThrough: number, changes = {}) =>
    toRecord(predictionEvent(n, changes), { seq, settledThrough })
  await store(
    predict(1, 1, 0),
    predict(2, 2, 1),
    predict(3, 3, 1),
    predict(4, 4, 1, { route: 'shadow' }),
    toRecord(fateEvent(2), { kind: 'fate', seq: 5, settledThrough: 1 }),
    predict(5, 6, 2),
    toRecord(fateEvent(3, { reason: 'client_gone' }), { kind: 'fate', seq: 7, settledThrough: 2 }),
    toRecord(fateEvent(9, { fate: 'delivered', reason: undefined }), { kind: 'fate', seq: 8, settledThrough: 5 }),
    toRecord(sealOf(1, 8), { kind: 'seal', seq: 9, settledThrough: 5 }),
  )
  const report = await reconcile(server.warehouse)
  expect(report).toMatchObject({ ok: true, gaps: [], seals: [{ expected: 8, stored: 8, missing: 0 }] })
  expect(report.fates).toEqual({ answered: 1, unanswered: { deadline: 1, client_gone: 1, error: 0 }, unknown: 1 })
  expect(toReportText(report)).toContain('predictions answered 1, unanswered 2 (deadline 1, client_gone 1), unknown 1')
  // A redelivery, by another logger and in another order, changes nothing.
  await store(toRecord(fateEvent(2), { kind: 'fate', seq: 5, settledThrough: 1 }), predict(1, 1, 0))
  expect((await reconcile(server.warehouse)).fates).toEqual(report.fates)
  await server.warehouse.command('DELETE FROM bronze.prediction_fates WHERE seq = 7')
  expect(await reconcile(server.warehouse)).toMatchObject({
    ok: false,
    gaps: [{ missing: 1, first_missing: [{ first_seq: 7, last_seq: 7 }] }],
  })
})

test('reads again only what came since', async () => {
  await empty()
  await store(...[1, 2, 3].map((seq) => toRecord(predictionEvent(seq), { seq })))
  await reconcile(server.warehouse)
  const read: string[] = []
  const watched: Pick<Warehouse, 'query' | 'command'> = {
    query: server.warehouse.query,
    command: async (sql, params) => {
      if (sql.includes('INSERT INTO hindsight.reconciled_parts')) read.push(...(params!['parts'] as string[]))
      await server.warehouse.command(sql, params)
    },
  }
  await reconcile(watched)
  expect(read).toEqual([])
  await store(toRecord(predictionEvent(4), { seq: 4 }))
  expect(await reconcile(watched)).toMatchObject({ open_tails: [{ stored: 4 }] })
  expect(read).toHaveLength(1)
})

test('with a grace, what a young seal counts may still come; without one, it is missing', async () => {
  await empty()
  await store(toRecord(predictionEvent(1), { seq: 1 }), toRecord(sealOf(1, 2), { kind: 'seal', seq: 3 }))
  expect(await reconcile(server.warehouse)).toMatchObject({ ok: false, gaps: [{ missing: 1 }] })
  expect(await reconcile(server.warehouse, { graceSeconds: 60 })).toMatchObject({
    ok: true,
    seals: [],
    gaps: [],
    open_tails: [{ from_seq: 1, last_seq: 3, stored: 2, missing: 1 }],
  })
})

const known = { author: 'ann', reason: 'the client sent a corrected value under the old id', nowMs: Date.UTC(2026, 0, 6) }

test('two payloads that somebody acknowledged are shown apart and are no alarm, until a third comes', async () => {
  await empty()
  await store(...[1, 2].flatMap((seq) => [labelAt(labelEvent(seq), seq), labelAt(labelEvent(seq, { value_number: 0 }), seq + 2)]))
  const before = await reconcile(server.warehouse)
  expect([before.ok, before.totals.double_payloads]).toEqual([false, 2])
  await acknowledge(server.warehouse, { ...known, id: 'label-1' })
  const half = await reconcile(server.warehouse)
  expect([half.ok, half.totals.double_payloads]).toEqual([false, 1])
  await acknowledge(server.warehouse, { ...known, id: 'label-2', tenant: 'default', table: 'bronze.label_events' })
  const after = await reconcile(server.warehouse, { full: true })
  expect(after).toMatchObject({ ok: true, totals: { double_payloads: 0 }, double_payloads: [] })
  expect(after.acknowledged_payloads).toEqual(
    before.double_payloads.map((double) => ({ ...double, author: 'ann', reason: known.reason, acknowledged_at: '2026-01-06T00:00:00Z' })),
  )
  expect(toReportText(after)).toContain(`two payloads under bronze.label_events label-1: by ann, 2026-01-06T00:00:00Z: ${known.reason}`)
  await store(labelAt(labelEvent(1, { value_number: 7 }), 9))
  expect(await reconcile(server.warehouse)).toMatchObject({
    ok: false,
    totals: { double_payloads: 1 },
    double_payloads: [{ id: 'label-1' }],
    acknowledged_payloads: [{ id: 'label-2' }],
  })
  await acknowledge(server.warehouse, { ...known, id: 'label-1' })
  expect(await reconcile(server.warehouse)).toMatchObject({ ok: true, acknowledged_payloads: [{ id: 'label-1' }, { id: 'label-2' }] })
})

test('predictions are acknowledged as labels are, and nothing else can be', async () => {
  await empty()
  const id = predictionEvent(7).prediction_id
  await store(toRecord(predictionEvent(7), { seq: 1 }), toRecord(predictionEvent(7, { status: 'error' }), { seq: 2 }))
  await store(labelAt(labelEvent(1), 1), labelAt(labelEvent(1, { value_number: 0 }), 2))
  await store(labelAt(labelEvent(1, { tenant: 'acme' }), 3), labelAt(labelEvent(1, { tenant: 'acme', value_number: 0 }), 4))
  await expect(acknowledge(server.warehouse, { ...known, id: 'label-2' })).rejects.toMatchObject({ code: 'not_found' })
  await expect(acknowledge(server.warehouse, { ...known, id: 'label-1' })).rejects.toMatchObject({ code: 'invalid_request' })
  await acknowledge(server.warehouse, { ...known, id: 'label-1', tenant: 'acme' })
  await acknowledge(server.warehouse, { ...known, id })
  const { double_payloads: left, acknowledged_payloads: done } = await reconcile(server.warehouse)
  expect(left).toMatchObject([{ tenant: 'default', id: 'label-1' }])
  expect(done).toMatchObject([
    { table: 'bronze.prediction_events', id },
    { tenant: 'acme', id: 'label-1' },
  ])
})
