import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CompiledView } from '../engine/compile-view.ts'
import type { Fact } from '../engine/fact.ts'
import { defaultMaintenancePolicy } from '../engine/maintain.ts'
import { differenceOf, fromEngine } from '../testing/compare-values.ts'
import { createEngineHarness } from '../testing/engine-harness.ts'
import { factsOf, historyCase, type History } from '../testing/history-cases.ts'
import { naiveFeatures, type NaiveValue } from '../testing/naive-features.ts'
import { mixedView, testViews, viewCase } from '../testing/view-cases.ts'
import { startTestWarehouse, type TestWarehouse } from '../../embedded-warehouse/testing/warehouse-chdb.ts'
import { eventTimeColumn, windowFeaturesSql } from './window-features-sql.ts'
import { floorTo } from './sql-text.ts'
import { fromColumnTime, toColumnTime } from '../../platform/warehouse/column-time.ts'
import { casesOf } from '../../test/testing/full-run.ts'

let server: TestWarehouse

beforeAll(async () => {
  server = await startTestWarehouse()
  await server.warehouse.command(`CREATE TABLE default.events (event_id String, tenant String, source String,
    keys Map(LowCardinality(String), String), values_number Map(LowCardinality(String), Float64), values_text Map(LowCardinality(String), String),
    event_time DateTime64(3, 'UTC'), known_at DateTime64(3, 'UTC'), ingested_at DateTime64(3, 'UTC'), retracts Nullable(String),
    writer_id LowCardinality(String), epoch UInt32, seq UInt64) ENGINE = MergeTree ORDER BY tuple()`)
  await server.warehouse
    .command(`CREATE TABLE default.anchors (row_id String, view String, entity_id String, anchor_time DateTime64(3, 'UTC'),
    features_as_of Array(Tuple(writer_id String, epoch UInt32, seq UInt64))) ENGINE = MergeTree ORDER BY tuple()`)
})

afterAll(async () => {
  await server?.stop()
})

const batchSize = casesOf({ few: 30, all: 50 })
/** Views of random windows and hops, by names that differ. */
const drawnViews = fc
  .array(viewCase, { minLength: 3, maxLength: 3 })
  .map((views) => views.map((view, index) => ({ ...view, name: `drawn_${index}` })))

/** Many histories share one query: their ids and entities carry the case's number. */
test('the generated SQL, the engine and a naive loop agree on any history, whatever windows and hops a view mixes', async () => {
  const cases = fc.tuple(fc.array(historyCase({ maintained: false }), { minLength: batchSize, maxLength: batchSize }), drawnViews)
  await fc.assert(
    fc.asyncProperty(cases, async ([histories, drawn]) => {
      const views = [...testViews, mixedView, ...drawn]
      await loadHistories(histories, views, (records) => records.length)
      for (const view of views) {
        const computed = await compute(view, 'known')
        for (const [position, history] of histories.entries()) {
          const harness = await createEngineHarness([view], {
            ...defaultMaintenancePolicy,
            foldAfterMs: Infinity,
            expireGraceMs: Infinity,
          })
          await harness.apply(factsOf(history), 0)
          for (const [index, { entityId, anchorMs }] of history.anchors.entries()) {
            const id = entityId[view.key as keyof typeof entityId]
            const row = computed.get(`${position}/${index}`)!
            const expected = naiveFeatures({ view, records: factsOf(history), entityId: id, anchorMs })
            const served = await harness.read(view, id, anchorMs)
            const rows = [...expected].map(([name, value]) =>
              differenceOf({ name, found: fromRow(row, name), expected: value, records: factsOf(history) }),
            )
            const reads = [...expected].map(([name, value]) => {
              const found = fromEngine(served.get(name)!)
              return found === 'refused' ? `${name} was refused` : differenceOf({ name, found, expected: value, records: factsOf(history) })
            })
            expect({ rows: rows.filter(Boolean), reads: reads.filter(Boolean), of: history }).toEqual({
              rows: [],
              reads: [],
              of: history,
            })
          }
        }
      }
    }),
    { numRuns: casesOf({ few: 1, all: 4 }), endOnFailure: true },
  )
})

test('restricted to what was applied, the SQL equals a naive loop over those records only', async () => {
  const cases = fc.tuple(fc.array(historyCase({ maintained: false }), { minLength: batchSize, maxLength: batchSize }), drawnViews)
  await fc.assert(
    fc.asyncProperty(cases, async ([histories, drawn]) => {
      const views = [...testViews, mixedView, ...drawn]
      await loadHistories(histories, views, prefixOf)
      for (const view of views) {
        const computed = await compute(view, 'applied')
        for (const [position, history] of histories.entries()) {
          for (const [index, { entityId, anchorMs }] of history.anchors.entries()) {
            const id = entityId[view.key as keyof typeof entityId]
            const records = factsOf(history).slice(0, prefixOf(factsOf(history), index))
            const expected = naiveFeatures({ view, records, entityId: id, anchorMs })
            const row = computed.get(`${position}/${index}`)!
            const rows = [...expected].map(([name, value]) => differenceOf({ name, found: fromRow(row, name), expected: value, records }))
            expect({ rows: rows.filter(Boolean), of: history }).toEqual({ rows: [], of: history })
          }
        }
      }
    }),
    { numRuns: casesOf({ few: 1, all: 4 }), endOnFailure: true },
  )
})

test('a bucket begins at the same moment in SQL and in the engine, however wide it is and however early the time', async () => {
  const steps = [1_000, 86_400_000, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 31_708_800_000]
  const times = [-631_152_000_000, -31_622_400_000, -(2 ** 32), -86_400_001, -1, 0, 1, 599_999, 991_656_000_000]
  for (const step of steps) {
    const floor = floorTo('t', step)
    const sql = `SELECT toFloat64(${floor}) AS start FROM (SELECT toInt64(arrayJoin([${times.join(', ')}])) AS t)`
    const rows = await server.warehouse.query<{ start: number }>(sql)
    expect(rows.map(({ start }) => start)).toEqual(times.map((time) => Math.floor(time / step) * step))
  }
})

/** How many of a history's records the online store had applied at its nth anchor. */
function prefixOf(records: readonly Fact[], index: number): number {
  return Math.ceil((records.length * (index + 1)) / 7)
}

async function loadHistories(
  histories: readonly History[],
  views: readonly CompiledView[],
  prefix: (records: readonly Fact[], index: number) => number,
): Promise<void> {
  const { warehouse } = server
  await warehouse.command('TRUNCATE TABLE default.events')
  await warehouse.command('TRUNCATE TABLE default.anchors')
  const events = histories.flatMap((history, position) => factsOf(history).map((fact) => toEventRow(fact, position)))
  if (events.length > 0) await warehouse.insert('default.events', events)
  const anchors = histories.flatMap((history, position) =>
    history.anchors.flatMap(({ entityId, anchorMs }, index) =>
      views.map((view) => ({
        row_id: `${position}/${index}`,
        view: view.name,
        entity_id: `${position}:${entityId[view.key as keyof typeof entityId]}`,
        anchor_time: toColumnTime(anchorMs),
        features_as_of: asOf(factsOf(history).slice(0, prefix(factsOf(history), index))),
      })),
    ),
  )
  await warehouse.insert('default.anchors', anchors)
}

function asOf(records: readonly Fact[]): object[] {
  const seqs = new Map<string, number>()
  for (const { writerId, seq } of records) seqs.set(writerId, Math.max(seq, seqs.get(writerId) ?? 0))
  return [...seqs].map(([writerId, seq]) => ({ writer_id: writerId, epoch: 1, seq }))
}

function toEventRow(fact: Fact, position: number): object {
  const values = Object.entries(fact.values)
  return {
    event_id: `${position}:${fact.id}`,
    tenant: fact.tenant,
    source: fact.source,
    keys: Object.fromEntries(Object.entries(fact.keys).map(([key, id]) => [key, `${position}:${id}`])),
    values_number: Object.fromEntries(values.filter(([, value]) => typeof value === 'number')),
    values_text: Object.fromEntries(values.filter(([, value]) => typeof value === 'string')),
    event_time: toColumnTime(fact.eventTimeMs),
    known_at: toColumnTime(fact.knownAtMs),
    ingested_at: toColumnTime(fact.ingestedAtMs),
    retracts: fact.retracts === undefined ? null : `${position}:${fact.retracts}`,
    writer_id: fact.writerId,
    epoch: fact.epoch,
    seq: fact.seq,
  }
}

type Row = Record<string, string | number | null>

async function compute(view: CompiledView, scope: 'known' | 'applied'): Promise<Map<string, Row>> {
  const anchors = `(SELECT * FROM default.anchors WHERE view = '${view.name}')`
  const sql = windowFeaturesSql({ view, events: 'default.events', history: 'records', tenant: 'default', anchors, scope })
  const rows = await server.warehouse.query<Row>(sql)
  return new Map(rows.map((row) => [String(row['row_id']), row]))
}

function fromRow(row: Row, name: string): NaiveValue {
  const value = row[name]
  const eventTime = row[eventTimeColumn(name)]
  if (value === null || value === undefined) return undefined
  return { value, eventTimeMs: typeof eventTime === 'string' ? Date.parse(fromColumnTime(eventTime)) : undefined }
}
