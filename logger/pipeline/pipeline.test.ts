import { expect, test, vi } from 'vitest'
import { ServiceError } from '../../contracts/errors.ts'
import { createPipeline } from './pipeline.ts'
import type { BatchResult } from './write-batch.ts'
import { createMemoryLog } from '../testing/memory-log.ts'
import { predictionEvent, toRecord } from '../testing/records.ts'
import { rowsSent } from '../testing/rows-sent.ts'

const limits = { maxRows: 100, maxBytes: 1 << 20, maxWaitMs: 20 }
const record = (seq: number) => toRecord(predictionEvent(seq), { seq })

async function until(condition: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(condition()).toBe(true), { timeout: 180_000, interval: 5 })
}

test('confirms a record only after every insert of its batch has resolved', async () => {
  const log = createMemoryLog([record(1), record(2)])
  const release: (() => void)[] = []
  const pipeline = createPipeline({ ...log, limits, warehouse: { insert: () => new Promise<void>((resolve) => release.push(resolve)) } })
  const running = pipeline.run()
  for (const insert of [1, 2, 3]) {
    await until(() => release.length === insert)
    expect(log.confirmed).toEqual([])
    release[insert - 1]!()
  }
  await until(() => log.confirmed.length === 2)
  await pipeline.stop()
  await running
})

test('shares one insert among records that arrive within the wait, and splits at the limit', async () => {
  const log = createMemoryLog()
  const sizes: number[] = []
  const insert = async (table: string, rows: readonly object[] | Uint8Array) =>
    void (table === 'bronze.prediction_events' && sizes.push(rowsSent(rows).length))
  const pipeline = createPipeline({ ...log, limits: { ...limits, maxRows: 3, maxWaitMs: 1_000 }, warehouse: { insert } })
  const running = pipeline.run()
  for (let seq = 1; seq <= 7; seq++) log.append(record(seq))
  await until(() => log.confirmed.length === 6)
  await pipeline.stop()
  await running
  expect(sizes).toEqual([3, 3, 1])
  expect(log.confirmed).toHaveLength(7)
})

test('keeps two batches in memory at most while the warehouse is away, and loses none', async () => {
  const log = createMemoryLog(Array.from({ length: 500 }, (_, n) => record(n + 1)))
  let away = true
  let fetched = 0
  let fetchedWhileAway = 0
  const consumer = {
    ...log.consumer,
    fetch: async (...args: Parameters<typeof log.consumer.fetch>) => {
      const records = await log.consumer.fetch(...args)
      fetched += records.length
      return records
    },
  }
  const retries: number[] = []
  const pipeline = createPipeline({
    consumer,
    limits,
    onRetry: ({ attempt }) => void (retries.push(attempt), retries.length === 2 && (away = false)),
    warehouse: {
      insert: async () => {
        if (away) {
          fetchedWhileAway = fetched
          throw new ServiceError('warehouse_unavailable', 'away')
        }
      },
    },
  })
  const running = pipeline.run()
  await until(() => log.confirmed.length === 500)
  expect(retries).toEqual([1, 2])
  expect(fetchedWhileAway).toBe(200)
  await pipeline.stop()
  await running
})

test('takes no more from the log than two batches hold while a slow warehouse is at work', async () => {
  const log = createMemoryLog(Array.from({ length: 700 }, (_, n) => record(n + 1)))
  let fetched = 0
  let most = 0
  const consumer = {
    ...log.consumer,
    fetch: async (...args: Parameters<typeof log.consumer.fetch>) => {
      const records = await log.consumer.fetch(...args)
      fetched += records.length
      most = Math.max(most, fetched - log.confirmed.length)
      return records
    },
  }
  const slow = { insert: () => new Promise<void>((resolve) => setTimeout(resolve, 20)) }
  const pipeline = createPipeline({ consumer, limits, warehouse: slow })
  const running = pipeline.run()
  await until(() => log.confirmed.length === 700)
  await pipeline.stop()
  await running
  expect(most).toBe(2 * limits.maxRows)
})

test('stop stores what is held, but does not wait for a warehouse that is away', async () => {
  const log = createMemoryLog([record(1)])
  const results: BatchResult[] = []
  const pipeline = createPipeline({
    ...log,
    limits,
    onBatch: (result: BatchResult) => void results.push(result),
    warehouse: { insert: () => Promise.reject(new ServiceError('warehouse_unavailable', 'away')) },
  })
  const running = pipeline.run()
  await pipeline.stop()
  await running
  expect(log.confirmed).toEqual([])
  expect(results.map(({ dispositions }) => dispositions.retry)).toEqual([1])
})

test('a fault of the log ends the run with that fault', async () => {
  const log = createMemoryLog([record(1)])
  const consumer = { ...log.consumer, confirm: () => Promise.reject(new Error('disk')) }
  const pipeline = createPipeline({ consumer, limits, warehouse: { insert: async () => {} } })
  await expect(pipeline.run()).rejects.toThrow('disk')
})
