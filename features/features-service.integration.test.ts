import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { EventLogWriter } from '../platform/event-log/event-log.ts'
import { startMigratedWarehouse } from '../embedded-warehouse/testing/migrated-warehouse.ts'
import type { TestWarehouse } from '../embedded-warehouse/testing/warehouse-chdb.ts'
import { requestRebuild } from './materializer/rebuild-request.ts'
import {
  createFeaturesHarness,
  readSensor,
  toAppend,
  untilApplied,
  type FeaturesHarness,
  type TestEvent,
} from './testing/features-harness.ts'

const anchorMs = Date.UTC(2001, 5, 4, 12)
const minuteMs = 60_000

let server: TestWarehouse
let harness: FeaturesHarness
let writer: EventLogWriter

beforeAll(async () => {
  server = await startMigratedWarehouse()
})
afterAll(async () => {
  await server?.stop()
})
beforeEach(async () => {
  harness = await createFeaturesHarness(server)
  writer = await harness.openWriter('gateway')
})
afterEach(async () => {
  await writer.close()
  await harness.dispose()
})

async function append(events: readonly TestEvent[]): Promise<number> {
  const origins = await writer.append(
    'feature_events',
    events.map((event) => toAppend(event, Date.now())),
  )
  return origins.at(-1)?.seq ?? 0
}

function eventsOf(count: number, prefix: string): TestEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `${prefix}-${index}`,
    sensor: `s${index % 10}`,
    timeMs: anchorMs - (1 + (index % 15)) * minuteMs,
    level: index,
  }))
}

test('applies each event as it comes, passes over what is none, and drains', async () => {
  await harness.start()
  const store = harness.openStore()
  expect((await readSensor(store, 's0', anchorMs)).get('count_20m')).toEqual({ status: 'ok', value: 0 })

  for (let index = 0; index < 20; index++) {
    const seq = await append([{ id: `e${index}`, sensor: 's0', timeMs: anchorMs - minuteMs, level: index }])
    await untilApplied(store, 'gateway', writer.epoch, seq)
  }

  await writer.append('feature_events', [
    { kind: 'event', id: 'broken', payload: '{"schema_version":1,' },
    { kind: 'event', id: 'other', payload: '{"schema_version":9}' },
    { kind: 'reject', id: 'refused', payload: '{}' },
  ])
  const seq = await append([{ id: 'last', sensor: 's0', timeMs: anchorMs - 1, level: 100 }])
  await untilApplied(store, 'gateway', writer.epoch, seq)
  const features = await readSensor(store, 's0', anchorMs)
  expect(features.get('count_20m')).toEqual({ status: 'ok', value: 21, eventTimeMs: anchorMs - 1 })
  expect(features.get('last_level')).toEqual({ status: 'ok', value: 100, eventTimeMs: anchorMs - 1 })
  await store.close()
  expect(await harness.stop()).toBe(0)
})

test('counts every event once through kills and repeats', async () => {
  const store = harness.openStore()
  let seq = 0
  for (let round = 0; round < 2; round++) {
    await harness.start()
    for (let part = 0; part < 5; part++) seq = await append(eventsOf(400, `r${round}-${part}`))
    if (round < 1) await harness.kill()
  }
  seq = await append(eventsOf(400, 'r0-0'))
  await untilApplied(store, 'gateway', writer.epoch, seq)
  let total = 0
  for (let sensor = 0; sensor < 10; sensor++) {
    const count = (await readSensor(store, `s${sensor}`, anchorMs)).get('count_20m')
    total += count?.status === 'ok' ? Number(count.value) : Number.NaN
  }
  expect(total).toBe(2 * 5 * 400)
  await store.close()
  await harness.stop()
})

test('a lost online store comes back from the warehouse, also what the warehouse gets later', async () => {
  await harness.start()
  let store = harness.openStore()
  await untilApplied(store, 'gateway', writer.epoch, await append(eventsOf(50, 'a')))
  await harness.storeInBronze()
  const seq = await append(eventsOf(50, 'b'))
  await untilApplied(store, 'gateway', writer.epoch, seq)
  const before = await readSensor(store, 's3', anchorMs)
  await store.close()
  expect(await harness.stop()).toBe(0)

  await rm(join(harness.dataDir, 'online-store'), { recursive: true })
  await harness.start()
  expect(await readdir(harness.dataDir)).toContain('online-store')
  store = harness.openStore()
  expect((await readSensor(store, 's3', anchorMs)).get('count_20m')).toMatchObject({ status: 'ok', value: 5 })
  // The log will not deliver the second half again, because it was confirmed: a new event behind that gap waits for the warehouse to fill it.
  const next = await append([{ id: 'next', sensor: 's4', timeMs: anchorMs - 1, level: 1 }])
  await harness.storeInBronze()
  await untilApplied(store, 'gateway', writer.epoch, next)
  expect(await readSensor(store, 's3', anchorMs)).toEqual(before)
  expect((await readSensor(store, 's4', anchorMs)).get('count_20m')).toMatchObject({ value: 11 })
  await store.close()
  await harness.stop()
})

test('rebuilds on request while it runs', async () => {
  await harness.start()
  const store = harness.openWritableStore()
  const seq = await append([...eventsOf(40, 'a'), { id: 'gone', sensor: 's1', timeMs: anchorMs - 1, retracts: 'a-1' }])
  await untilApplied(store, 'gateway', writer.epoch, seq)
  await harness.storeInBronze()
  const before = await readSensor(store, 's1', anchorMs)
  expect(before.get('count_20m')).toMatchObject({ value: 3 })
  const progress: number[] = []
  expect(await requestRebuild(store, { id: 'test', onProgress: (facts) => progress.push(facts) })).toBe(41)
  expect(await readSensor(store, 's1', anchorMs)).toEqual(before)
  const [applied] = await store.applied()
  expect(applied).toMatchObject({ writer_id: 'gateway', epoch: writer.epoch })
  // A seal follows where the hour has turned meanwhile.
  expect(applied!.seq).toBeGreaterThanOrEqual(seq)
  await store.close()
  await harness.stop()
})

test('a withdrawn fact that was folded is refused until its tile is rebuilt from the warehouse', async () => {
  await harness.start({ HINDSIGHT_FEATURES_MAX_ROWS: '16', HINDSIGHT_FEATURES_FOLD_MIN_ROWS: '1' })
  const store = harness.openStore()
  const events = Array.from({ length: 40 }, (_, index) => ({
    id: `f${index}`,
    sensor: 's0',
    timeMs: anchorMs - 10 * minuteMs + index,
    level: index,
  }))
  await untilApplied(store, 'gateway', writer.epoch, await append(events))
  expect((await readSensor(store, 's0', anchorMs - 10 * minuteMs + 5)).get('count_20m')).toEqual({
    status: 'missing',
    reason: 'anchor_too_old',
  })
  expect((await readSensor(store, 's0', anchorMs)).get('max_level_20m')).toMatchObject({ value: 39 })
  // The latest of all is withdrawn first, to see the all-time value rebuilt too: f39 must have been folded by then.
  await untilApplied(
    store,
    'gateway',
    writer.epoch,
    await append(eventsOf(40, 'later').map((event) => ({ ...event, sensor: 's0', timeMs: event.timeMs - 60 * minuteMs }))),
  )
  const withdrawals = [
    { id: 'w0', sensor: 's0', timeMs: anchorMs - minuteMs, retracts: 'f0' },
    { id: 'w39', sensor: 's0', timeMs: anchorMs - minuteMs, retracts: 'f39' },
  ]
  await untilApplied(store, 'gateway', writer.epoch, await append(withdrawals))
  const refused = await readSensor(store, 's0', anchorMs)
  expect(refused.get('count_20m')).toEqual({ status: 'missing', reason: 'anchor_too_old' })
  await harness.storeInBronze()
  await expect.poll(async () => (await readSensor(store, 's0', anchorMs)).get('count_20m')).toMatchObject({ status: 'ok', value: 38 })
  await expect.poll(async () => (await readSensor(store, 's0', anchorMs)).get('last_level')).toMatchObject({ status: 'ok', value: 38 })
  await store.close()
  await harness.stop()
})
