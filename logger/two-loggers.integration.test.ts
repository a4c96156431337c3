import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { LogRecord } from '../platform/event-log/event-log.ts'
import { startMigratedWarehouse } from '../embedded-warehouse/testing/migrated-warehouse.ts'
import type { TestWarehouse } from '../embedded-warehouse/testing/warehouse-chdb.ts'
import { createPipeline, type Pipeline } from './pipeline/pipeline.ts'
import { reconcile } from './reconcile/reconcile.ts'
import { createMemoryLog } from './testing/memory-log.ts'
import { labelEvent, predictionEvent, sealOf, toRecord } from './testing/records.ts'

let server: TestWarehouse
beforeAll(async () => {
  server = await startMigratedWarehouse()
})
afterAll(() => server.stop())

const total = 400
const poison = [7, 8, 123]

function records(): LogRecord[] {
  const predictions = Array.from({ length: total }, (_, n) =>
    toRecord(poison.includes(n + 1) ? 'poison' : predictionEvent(n), { seq: n + 1 }),
  )
  const labels = Array.from({ length: 50 }, (_, n) => toRecord(labelEvent(n), { lane: 'labels', seq: n + 1 }))
  return [...predictions, ...labels, toRecord(sealOf(1, total), { kind: 'seal', seq: total + 1 })]
}

/** A logger of its own, with batches that end elsewhere than another's. */
function startLogger(log: ReturnType<typeof createMemoryLog>, maxRows: number): Pipeline {
  const pipeline = createPipeline({ ...log, limits: { maxRows, maxBytes: 1 << 20, maxWaitMs: 10 }, warehouse: server.warehouse })
  void pipeline.run()
  return pipeline
}

async function numbers(sql: string): Promise<number[]> {
  const rows = await server.warehouse.query<{ n: number }>(sql)
  return rows.map(({ n }) => n)
}

test('two loggers that store the same records at once: each is there once, and what was delivered is known exactly', async () => {
  const logs = [createMemoryLog(records()), createMemoryLog(records())]
  const loggers = logs.map((log, index) => startLogger(log, [37, 64][index]!))
  await vi.waitFor(() => expect(logs.map(({ confirmed }) => confirmed.length)).toEqual([total + 51, total + 51]), {
    timeout: 180_000,
    interval: 20,
  })
  await Promise.all(loggers.map((logger) => logger.stop()))

  const seqs = Array.from({ length: total }, (_, n) => n + 1)
  const good = seqs.filter((seq) => !poison.includes(seq))
  expect(await numbers('SELECT toUInt32(seq) AS n FROM silver.predictions ORDER BY n')).toEqual(good)
  expect(await numbers('SELECT toUInt32(seq) AS n FROM bronze.prediction_events FINAL ORDER BY n')).toEqual(good)
  expect(await numbers('SELECT toUInt32(seq) AS n FROM bronze.rejects FINAL ORDER BY n')).toEqual(poison)
  expect(await numbers('SELECT toUInt32(count()) AS n FROM silver.labels')).toEqual([50])
  const delivered = `SELECT DISTINCT toUInt32(arrayJoin(range(first_seq, last_seq + 1))) AS n FROM bronze.delivered WHERE lane = 'predictions'`
  expect(await numbers(`${delivered} ORDER BY n`)).toEqual([...seqs, total + 1])
  const expiring = `${delivered} AND expires_at IS NOT NULL`
  expect(await numbers(`${expiring} ORDER BY n`)).toEqual(good)
  expect(await reconcile(server.warehouse)).toMatchObject({ ok: true, totals: { sealed: total, stored: total, missing: 0, rejected: 3 } })
})
