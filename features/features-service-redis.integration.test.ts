import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { EventLogWriter } from '../platform/event-log/event-log.ts'
import { openRedisOnlineStore } from '../platform/online-store/online-store-redis.ts'
import type { ScannableOnlineStore } from '../platform/online-store/online-store.ts'
import { describeWithRedis, startTestRedis, type TestRedis } from '../platform/online-store/testing/redis-server.ts'
import { startMigratedWarehouse } from '../embedded-warehouse/testing/migrated-warehouse.ts'
import type { TestWarehouse } from '../embedded-warehouse/testing/warehouse-chdb.ts'
import { requestRebuild } from './materializer/rebuild-request.ts'
import { createFeaturesHarness, readSensor, toAppend, untilApplied, type FeaturesHarness } from './testing/features-harness.ts'

const anchorMs = Date.UTC(2001, 5, 4, 12)

describeWithRedis('the features service on Redis', () => {
  let server: TestWarehouse
  let redis: TestRedis
  let harness: FeaturesHarness
  let writer: EventLogWriter
  let store: ScannableOnlineStore

  beforeAll(async () => {
    server = await startMigratedWarehouse()
  })
  afterAll(async () => {
    await server?.stop()
  })
  beforeEach(async () => {
    redis = await startTestRedis()
    harness = await createFeaturesHarness(server)
    writer = await harness.openWriter('gateway')
    store = await openRedisOnlineStore({ url: redis.url, keyPrefix: 'test' })
    await harness.start({ REDIS_URL: redis.url, REDIS_KEY_PREFIX: 'test', HINDSIGHT_LOG_LEVEL: 'fatal' })
  })
  afterEach(async () => {
    await store.close()
    await writer.close()
    await harness.dispose()
    await redis.stop()
  })

  /** Ten events of one sensor; resolves with the last one's seq. */
  async function append(prefix: string): Promise<number> {
    const events = Array.from({ length: 10 }, (_, index) => ({
      id: `${prefix}-${index}`,
      sensor: 's0',
      timeMs: anchorMs - 60_000,
      level: 1,
    }))
    const appended = events.map((event) => toAppend(event, Date.now()))
    return (await writer.append('feature_events', appended)).at(-1)?.seq ?? 0
  }

  async function count(): Promise<unknown> {
    const value = (await readSensor(store, 's0', anchorMs)).get('count_20m')
    return value?.status === 'ok' ? value.value : value?.reason
  }

  const soon = { timeout: 180_000, interval: 20 }

  test('applies events, comes back from a Redis that was emptied, and rebuilds on request', async () => {
    await untilApplied(store, 'gateway', writer.epoch, await append('a'))
    expect(await count()).toBe(10)
    await harness.storeInBronze()
    await redis.client.flushall()
    await expect.poll(count, soon).toBe(10)
    // What comes while it is rebuilt is counted once, whichever way it comes.
    await redis.client.flushall()
    const seq = await append('b')
    await harness.storeInBronze()
    await expect.poll(count, soon).toBe(20)
    expect(await store.applied()).toEqual([{ writer_id: 'gateway', epoch: writer.epoch, seq }])
    expect(await requestRebuild(store, { id: 'test', onProgress: () => undefined })).toBe(20)
    expect(await count()).toBe(20)
    expect(await harness.stop()).toBe(0)
  })

  test('survives a Redis that is killed under load and comes back empty', async () => {
    await untilApplied(store, 'gateway', writer.epoch, await append('a'))
    await redis.kill()
    await expect(count()).rejects.toMatchObject({ code: 'online_store_unavailable' })
    const seq = await append('b')
    await harness.storeInBronze()
    await redis.restart()
    await untilApplied(store, 'gateway', writer.epoch, seq)
    await expect.poll(count, soon).toBe(20)
    await untilApplied(store, 'gateway', writer.epoch, await append('c'))
    expect(await count()).toBe(30)
    expect(await harness.stop()).toBe(0)
  })

  test('takes from the warehouse what a Redis lost that came back with an older copy', async () => {
    await untilApplied(store, 'gateway', writer.epoch, await append('a'))
    await redis.client.save()
    const seq = await append('b')
    await untilApplied(store, 'gateway', writer.epoch, seq)
    expect(await count()).toBe(20)
    await harness.storeInBronze()
    await redis.restart()
    await untilApplied(store, 'gateway', writer.epoch, seq)
    expect(await count()).toBe(20)
    await untilApplied(store, 'gateway', writer.epoch, await append('c'))
    expect(await count()).toBe(30)
    expect(await harness.stop()).toBe(0)
  })
})
