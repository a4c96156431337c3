import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { openOutboxWriter } from '../platform/outbox/write/outbox-writer.ts'
import { withinHour } from '../platform/outbox/testing/within-hour.ts'
import { lanes } from '../contracts/origin.ts'
import { startTestWarehouse, type TestWarehouse } from '../embedded-warehouse/testing/warehouse-chdb.ts'
import { reconcile } from './reconcile/reconcile.ts'
import { predictionEvent } from './testing/records.ts'
import { embeddedConsumers } from '../contracts/lane-consumers.ts'
import { openOutboxConsumer } from '../platform/outbox/read/outbox-consumer.ts'

const total = 3_000
/** The longest wait, for a machine that does much else: it is at work until the end of it. */
const patience = 180_000
const main = fileURLToPath(new URL('./main.ts', import.meta.url))

function startLoggerProcess(dataDir: string, url: string): ChildProcess {
  const env = { ...process.env, HINDSIGHT_DATA_DIR: dataDir, CLICKHOUSE_URL: url, HINDSIGHT_LOG_LEVEL: 'error' }
  // Batches are small, so that a kill falls between insert and confirmation of one of many.
  return spawn(process.execPath, ['--import=#typescript', main], {
    env: { ...env, HINDSIGHT_LOGGER_MAX_ROWS: '100', HINDSIGHT_LOGGER_MAX_WAIT_MS: '10' },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

/** How many of the records are in bronze, in however many rows: silver would cost more to ask so often. */
async function storedRecords({ warehouse }: TestWarehouse): Promise<number> {
  const [known] = await warehouse.query<{ n: number }>(
    `SELECT toUInt32(count()) AS n FROM system.tables WHERE database = 'bronze' AND name = 'prediction_events'`,
  )
  if (known!.n === 0) return 0
  const [row] = await warehouse.query<{ n: number }>('SELECT toUInt32(uniqExact(seq)) AS n FROM bronze.prediction_events')
  return row!.n
}

test('killed again and again in the middle of its work, it loses nothing and stores nothing twice', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'hindsight-logger-crash-'))
  const server = await startTestWarehouse()
  const writer = await openOutboxWriter({
    dir: join(dataDir, 'outbox'),
    writerId: 'gateway-1',
    consumersOf: embeddedConsumers,
    now: withinHour(),
  })
  const payloads = Array.from({ length: total }, (_, n) => JSON.stringify(predictionEvent(n)))
  await writer.append(
    'predictions',
    payloads.map((payload, n) => ({ kind: 'event' as const, id: `p${n}`, payload })),
  )
  await writer.close()

  let child = startLoggerProcess(dataDir, server.url)
  try {
    let seen = 0
    for (let kills = 0; kills < 2; kills++) {
      await vi.waitFor(async () => expect(await storedRecords(server)).toBeGreaterThan(seen), { timeout: patience, interval: 30 })
      child.kill('SIGKILL')
      await once(child, 'exit')
      seen = await storedRecords(server)
      expect(seen).toBeLessThan(total)
      child = startLoggerProcess(dataDir, server.url)
    }
    await vi.waitFor(async () => expect(await storedRecords(server)).toBe(total), { timeout: patience, interval: 50 })
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
  } finally {
    child.kill('SIGKILL')
  }

  expect(await server.warehouse.query('SELECT toUInt32(count()) AS n FROM silver.predictions')).toEqual([{ n: total }])
  expect(await reconcile(server.warehouse)).toMatchObject({
    ok: true,
    gaps: [],
    open_tails: [],
    totals: { sealed: total, stored: total, double_payloads: 0 },
  })
  const consumer = await openOutboxConsumer({ dir: join(dataDir, 'outbox'), name: 'logger', lanes })
  expect(await consumer.fetch({ maxRecords: 10, maxBytes: 1 << 20, waitMs: 0 })).toEqual([])
  await consumer.close()
  await server.stop()
  await rm(dataDir, { recursive: true })
})
