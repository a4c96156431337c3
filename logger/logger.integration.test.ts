import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { metrics } from '@opentelemetry/api'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { lanes } from '../contracts/origin.ts'
import { openOutboxWriter } from '../platform/outbox/write/outbox-writer.ts'
import { withinHour } from '../platform/outbox/testing/within-hour.ts'
import type { LogRecord } from '../platform/event-log/event-log.ts'
import { startMigratedWarehouse } from '../embedded-warehouse/testing/migrated-warehouse.ts'
import type { TestWarehouse } from '../embedded-warehouse/testing/warehouse-chdb.ts'
import { createWarehouse } from '../platform/warehouse/warehouse-clickhouse.ts'
import type { Warehouse } from '../platform/warehouse/warehouse.ts'
import { loadLoggerConfig } from './config.ts'
import { startLogger } from './logger-service.ts'
import { reconcile } from './reconcile/reconcile.ts'
import { featureEvent, labelEvent, predictionEvent, sealOf, toRecord } from './testing/records.ts'
import { embeddedConsumers } from '../contracts/lane-consumers.ts'
import { openOutboxConsumer } from '../platform/outbox/read/outbox-consumer.ts'
import { writeBatch } from './testing/write-batch.ts'

let server: TestWarehouse
let warehouse: Warehouse

beforeAll(async () => {
  server = await startMigratedWarehouse()
  warehouse = server.warehouse
})
afterAll(() => server.stop())

const store = (...records: LogRecord[]) => writeBatch(records, { warehouse, pause: async () => {}, givenUp: () => true })

async function only<Row>(sql: string): Promise<Row> {
  const rows = await warehouse.query<Row>(sql)
  expect(rows).toHaveLength(1)
  return rows[0]!
}

describe('what is stored is what was said', () => {
  test('a prediction, to the last bit of its numbers', async () => {
    const awkward = [0.1 + 0.2, 5e-324, 1.7976931348623157e308, 2 ** 53 - 1, 5.365431 + 2 ** -50, 1 / 3, -(2 ** -13) / 7, 8.9e-16]
    const features = awkward.map((value, n) => ({
      name: `f${n}`,
      value,
      source: 'request' as const,
      status: 'ok' as const,
      definition: 'e'.repeat(64),
    }))
    const event = predictionEvent(1, { tenant: 'exact', features, anchor_time: '1955-06-04T12:00:00.123Z' })
    const record = { ...toRecord(event, { seq: 2 ** 52, writerId: 'exact' }), appendedAtMs: Number.MAX_SAFE_INTEGER }
    expect(await store(record)).toMatchObject({ dispositions: { ok: 1 } })
    const row = await only<Record<string, unknown>>(`SELECT * FROM silver.predictions WHERE tenant = 'exact'`)
    expect(Object.values(row['features_number'] as object)).toEqual(awkward)
    expect(row).toMatchObject({
      prediction_id: event.prediction_id,
      seq: String(2 ** 52),
      payload_hash: event.payload_hash,
      decision_value: 'on_time',
    })
    expect(row).toMatchObject({
      anchor_time: '1955-06-04 12:00:00.123',
      duration_queue_us: '10',
      duration_total_us: null,
      entities: event.entities,
    })
    expect(row['outputs_number']).toEqual(event.outputs)
    expect(row['features_as_of']).toEqual([{ writer_id: 'gateway-1', epoch: 1, seq: '41' }])
  })

  test('a label and a feature event', async () => {
    await store(toRecord(labelEvent(1, { tenant: 'exact' }), { lane: 'labels', seq: 1, writerId: 'exact' }))
    await store(toRecord(featureEvent(1, { tenant: 'exact' }), { lane: 'feature_events', seq: 1, writerId: 'exact' }))
    expect(
      await only(`SELECT label, value_number, prediction_id, anchor_time, retracted, known_at FROM silver.labels WHERE tenant = 'exact'`),
    ).toMatchObject({
      label: 'arrived_late',
      value_number: 1,
      anchor_time: null,
      retracted: false,
      known_at: '2001-06-04 15:00:00.000',
    })
    expect(await only(`SELECT keys, values_number, values_text, event_time FROM silver.feature_events WHERE tenant = 'exact'`)).toEqual({
      keys: { airport: 'ORD' },
      values_number: { delay: 12.5, diverted: 1 },
      values_text: { note: 'gate' },
      event_time: '2001-06-04 11:00:00.000',
    })
  })

  test('the payload byte for byte, with what a later version added', async () => {
    const text = JSON.stringify({ ...predictionEvent(2, { tenant: 'raw' }), later: { ü: '\u0000\u2028"\\' } })
    await store({ ...toRecord(text, { seq: 3, writerId: 'raw' }), appendedAtMs: Date.now() })
    expect(await only(`SELECT payload FROM bronze.prediction_payloads WHERE tenant = 'raw'`)).toEqual({ payload: text })
  })
})

describe('counted once', () => {
  test('a record that is delivered three times is one row', async () => {
    const record = toRecord(predictionEvent(3, { tenant: 'once' }), { seq: 4, writerId: 'once' })
    await store(record, record)
    await store(record)
    expect(await only(`SELECT toUInt8(count()) AS n FROM silver.predictions WHERE tenant = 'once'`)).toEqual({ n: 1 })
    await warehouse.command('OPTIMIZE TABLE bronze.prediction_events FINAL')
    expect(await only(`SELECT toUInt8(count()) AS n FROM bronze.prediction_events WHERE tenant = 'once'`)).toEqual({ n: 1 })
  })

  test('of two payloads under one id bronze keeps both, and readers see the first', async () => {
    const first = predictionEvent(4, { tenant: 'two', ingested_at: '2026-01-05T12:00:00.000Z' })
    const second = predictionEvent(4, { tenant: 'two', ingested_at: '2026-01-05T12:00:00.001Z', status: 'error' })
    for (const [event, seq] of [
      [second, 5],
      [first, 6],
      [second, 5],
    ] as const)
      await store(toRecord(event, { seq, writerId: 'two' }))
    expect(await only(`SELECT toUInt8(count()) AS n FROM bronze.prediction_events FINAL WHERE tenant = 'two'`)).toEqual({ n: 2 })
    const seen = { payload_hash: first.payload_hash, status: 'ok' }
    expect(await only(`SELECT payload_hash, status FROM silver.predictions WHERE tenant = 'two'`)).toEqual(seen)
    expect(await only(`SELECT payload_hash, status FROM silver.predictions WHERE prediction_id = '${first.prediction_id}'`)).toEqual(seen)
    await warehouse.command('OPTIMIZE TABLE bronze.prediction_events FINAL')
    expect(await only(`SELECT payload_hash, status FROM silver.predictions WHERE tenant = 'two'`)).toEqual(seen)
  })

  test('at one time of receipt the writer, then the epoch, then the position decides', async () => {
    const at = (writerId: string, epoch: number, seq: number, value: number) =>
      toRecord(labelEvent(9, { tenant: 'ties', value_number: value }), { lane: 'labels', writerId, epoch, seq })
    await store(at('b', 1, 1, 1))
    await store(at('a', 2, 9, 2), at('a', 2, 8, 3))
    await store(at('a', 10, 1, 4))
    expect(await only(`SELECT value_number FROM silver.labels WHERE tenant = 'ties'`)).toEqual({ value_number: 3 })
  })
})

test('a row that the warehouse refuses goes to rejects with its bytes, and the others are stored', async () => {
  const bad = predictionEvent(11, { tenant: 'bisect', code_version: '\ud800' })
  const records = [10, 11, 12, 13].map((n) =>
    toRecord(n === 11 ? bad : predictionEvent(n, { tenant: 'bisect' }), { seq: n, writerId: 'bisect' }),
  )
  const result = await store(...records, toRecord(new Uint8Array([0xff, 0x00]), { seq: 14, writerId: 'bisect' }))
  expect(result).toMatchObject({ dispositions: { ok: 3, dead: 2 }, rejects: { invalid_event: 1, invalid_json: 1 } })
  expect(await only(`SELECT toUInt8(count()) AS n FROM silver.predictions WHERE tenant = 'bisect'`)).toEqual({ n: 3 })
  const rejects = await warehouse.query(
    `SELECT code, raw, raw_encoding, toUInt8(seq) AS seq FROM bronze.rejects WHERE writer_id = 'bisect' ORDER BY seq`,
  )
  expect(rejects).toEqual([
    { code: 'invalid_event', raw: JSON.stringify(bad), raw_encoding: 'utf8', seq: 11 },
    { code: 'invalid_json', raw: '/wA=', raw_encoding: 'base64', seq: 14 },
  ])
})

describe('the service', () => {
  test('moves the outbox into the warehouse, confirms it, and reconciles', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'hindsight-logger-'))
    const writer = await openOutboxWriter({ dir, writerId: 'moves', consumersOf: embeddedConsumers as never, now: withinHour() })
    const consumer = await openOutboxConsumer({ dir, name: 'logger', lanes: [...lanes] })
    const failures: unknown[] = []
    const config = loadLoggerConfig({ CLICKHOUSE_URL: server.url, HINDSIGHT_LOGGER_MAX_WAIT_MS: '100' })
    const context = {
      config,
      logger: pino({ level: 'silent' }),
      meter: metrics.getMeter('test'),
      fail: (error: unknown) => void failures.push(error),
    }
    const service = startLogger(context, { consumer, warehouse: createWarehouse({ url: server.url }) })
    const event = (n: number) => ({
      kind: 'event' as const,
      id: `m${n}`,
      payload: JSON.stringify(predictionEvent(1000 + n, { tenant: 'moves' })),
    })
    await writer.append(
      'predictions',
      Array.from({ length: 300 }, (_, n) => event(n)),
    )
    await writer.append('predictions', [{ kind: 'event', id: 'broken', payload: 'not json' }])
    await writer.close()
    await vi.waitFor(async () => expect(await service.status!()).toMatchObject({ records: 302 }), { timeout: 180_000, interval: 50 })
    expect(await service.checks!()).toEqual({ warehouse: true, migrations: true, event_log: true })
    expect(await service.status!()).toMatchObject({ records: 302, dead: 1, retrying: null })
    await service.drain()
    await rm(dir, { recursive: true })
    expect(failures).toEqual([])
    expect(await only(`SELECT toUInt32(count()) AS n FROM silver.predictions WHERE tenant = 'moves'`)).toEqual({ n: 300 })
    const report = await reconcile(warehouse)
    expect(report.seals.find((seal) => seal.writer_id === 'moves')).toMatchObject({
      expected: 301,
      stored: 301,
      missing: 0,
      reason: 'close',
    })
    expect(report.gaps.filter((gap) => gap.writer_id === 'moves')).toEqual([])
  })
})

describe('reconcile', () => {
  test('finds a gap, a double payload and an open tail, and is otherwise content', async () => {
    const own = await startMigratedWarehouse()
    const put = (...records: LogRecord[]) => writeBatch(records, { warehouse: own.warehouse, pause: async () => {}, givenUp: () => true })
    try {
      const record = (seq: number) => toRecord(seq === 2 ? 'broken' : predictionEvent(seq), { seq })
      await put(record(1), record(2), record(3), toRecord(sealOf(1, 3), { kind: 'seal', seq: 4 }), record(5))
      expect(await reconcile(own.warehouse)).toMatchObject({
        ok: true,
        totals: { sealed: 3, stored: 3, missing: 0, open: 1, rejected: 1, double_payloads: 0 },
        gaps: [],
        open_tails: [{ from_seq: 5, last_seq: 5, stored: 1, missing: 0 }],
      })
      await put(record(7), toRecord(sealOf(5, 7), { kind: 'seal', seq: 8 }))
      const twice = toRecord(predictionEvent(7, { status: 'error' }), { seq: 1, writerId: 'gateway-2' })
      await put(twice)
      const report = await reconcile(own.warehouse)
      expect(report).toMatchObject({
        ok: false,
        gaps: [{ writer_id: 'gateway-1', epoch: 1, lane: 'predictions', missing: 1, first_missing: [{ first_seq: 6, last_seq: 6 }] }],
        double_payloads: [{ table: 'bronze.prediction_events', id: predictionEvent(7).prediction_id }],
        open_tails: [{ writer_id: 'gateway-2', from_seq: 1 }],
      })
      expect(report.seals.map(({ expected, stored, missing }) => [expected, stored, missing])).toEqual([
        [3, 3, 0],
        [3, 2, 1],
      ])
    } finally {
      await own.stop()
    }
  })
})
