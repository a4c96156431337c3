import { migrate } from '../../platform/schema/migrate.ts'
import { startTestWarehouse } from '../../embedded-warehouse/testing/warehouse-chdb.ts'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import { reconcile } from '../reconcile/reconcile.ts'

// How long reconcile takes on the embedded warehouse, with seals each hour and a run of bronze.delivered each 1,000 records:
//   node --import=#typescript logger/testing/measure-reconcile.ts [predictions]
const predictions = Number(process.argv[2] ?? 5_000_000)
const hours = 100
const firstMs = Date.UTC(2026, 0, 5)
const stepMs = Math.floor((hours * 3_600_000) / predictions)
const batch = 1_000
const rounds = 5
/** How many rows one INSERT has while the warehouse is filled. */
const chunk = 250_000

const server = await startTestWarehouse()
try {
  await migrate(server.warehouse)
  for (let from = 0; from < predictions; from += chunk) await fill(server.warehouse, { from, count: Math.min(chunk, predictions - from) })
  await seal(server.warehouse)
  await measure('first run', () => reconcile(server.warehouse))
  for (let round = 1; round <= rounds; round++) {
    // The rows that a logger adds in a minute of 100 predictions a second.
    for (let second = 0; second < 60; second++)
      await fill(server.warehouse, { from: predictions + (round * 60 + second) * 100, count: 100 })
    await measure(`a minute later, ${round}`, () => reconcile(server.warehouse))
  }
  await measure('full', () => reconcile(server.warehouse, { full: true }))
} finally {
  await server.stop()
}

async function measure(what: string, task: () => ReturnType<typeof reconcile>): Promise<void> {
  const begin = performance.now()
  const { ok, totals } = await task()
  process.stdout.write(
    `${what.padEnd(20)} ${((performance.now() - begin) / 1000).toFixed(2)} s   ${ok ? 'ok' : 'NOT ok'} ${JSON.stringify(totals)}\n`,
  )
}

async function fill(warehouse: Warehouse, { from, count }: { from: number; count: number }): Promise<void> {
  await warehouse.command(`INSERT INTO bronze.prediction_events (prediction_id, tenant, payload_hash, model, model_version, ingested_at, retention_until,
  writer_id, epoch, lane, seq, appended_at)
SELECT toUUID(concat(substring(time, 1, 8), '-', substring(time, 9, 4), '-7000-8000-', leftPad(hex(n), 12, '0'))), 'default',
  repeat(leftPad(hex(n), 16, '0'), 4), 'delay', '1', at, toDateTime64('2100-01-01 00:00:00', 3, 'UTC'), 'gateway-0', 1, 'predictions', n + 1, at
FROM
(
  SELECT number AS n, ${firstMs} + n * ${stepMs} AS ms, leftPad(hex(ms), 12, '0') AS time, fromUnixTimestamp64Milli(toInt64(ms), 'UTC') AS at
  FROM numbers(${from}, ${count})
)`)
  await warehouse.command(`INSERT INTO bronze.delivered (writer_id, epoch, lane, first_seq, last_seq, expires_at)
SELECT 'gateway-0', 1, 'predictions', number * ${batch} + 1 + ${from}, least((number + 1) * ${batch}, ${count}) + ${from}, '2100-01-01 00:00:00'
FROM numbers(${Math.ceil(count / batch)})`)
}

/** A seal an hour, each in a place of its own behind the records that it counts. */
async function seal(warehouse: Warehouse): Promise<void> {
  const perHour = Math.floor(predictions / hours)
  const rows = Array.from({ length: hours }, (_, hour) => ({
    first_seq: hour * perHour + 1,
    last_seq: (hour + 1) * perHour,
    count: perHour,
    sealed_at: new Date(firstMs + (hour + 1) * 3_600_000).toISOString(),
    reason: 'hour',
    payload_hash: 'f'.repeat(64),
    writer_id: 'gateway-0',
    epoch: 1,
    lane: 'predictions',
    seq: (hour + 1) * perHour + 1,
    appended_at: new Date(firstMs).toISOString(),
  }))
  await warehouse.insert('bronze.seals', rows)
}
