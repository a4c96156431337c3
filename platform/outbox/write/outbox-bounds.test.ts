import { afterEach, describe, expect, it, vi } from 'vitest'
import fc from 'fast-check'
import { type OutboxWriterOptions } from './outbox-writer.ts'
import { fetchAtLeast, toEvent } from '../../event-log/event-log.contract.ts'
import { makeOutboxHarness } from '../testing/outbox-harness.ts'
import { unsyncedDisk } from '../testing/segment-fixture.ts'
import { describeOutbox } from '../describe-outbox.ts'

let log: Awaited<ReturnType<typeof makeOutboxHarness>>
const start = async (writer: Partial<OutboxWriterOptions> = {}) => (log = await makeOutboxHarness({ writer }))
const soon = { timeout: 180_000, interval: 2 }
const events = (count: number) => Array.from({ length: count }, (_, index) => toEvent('x'.repeat(100), index))
const refusal = (text: string) => expect.objectContaining({ code: 'outbox_unavailable', message: expect.stringContaining(text) })

describe('a lane', () => {
  afterEach(() => log.dispose())

  it('takes no more once its oldest record has waited too long, and takes again when that is confirmed', async () => {
    let nowMs = Date.UTC(2026, 0, 1, 10)
    await start({ maxLaneAgeMs: 60_000, maintainEveryMs: 10, now: () => nowMs })
    const writer = await log.openWriter('w1')
    await writer.append('feature_events', events(2))
    nowMs += 50_000
    await writer.append('feature_events', events(1))
    const consumers = [await log.openConsumer('logger', ['feature_events']), await log.openConsumer('features', ['feature_events'])]
    nowMs += 11_000
    await vi.waitFor(() => expect(writer.append('feature_events', events(1))).rejects.toEqual(refusal('waits for over 60000 ms')), {
      timeout: 180_000,
    })
    expect(writer.writable()).toBe(true)
    expect(await writer.append('predictions', events(1))).toHaveLength(1)
    const [first, second] = await Promise.all(consumers.map(async (consumer) => [consumer, await fetchAtLeast(consumer, 3)] as const))
    await first![0].confirm(first![1])
    // What one consumer has, another may still wait for.
    await expect(writer.append('feature_events', events(1))).rejects.toEqual(refusal('waits for over'))
    await second![0].confirm(second![1].slice(0, 2))
    await vi.waitFor(async () => expect(await writer.append('feature_events', events(1))).toHaveLength(1), { timeout: 180_000 })
  })

  it('holds what its records take, not the space that is made ready for more', async () => {
    await start({ maintainEveryMs: 10 })
    const writer = await log.openWriter('w1')
    await writer.append('labels', events(1))
    await writer.append('labels', events(9))
    const fewBytes = { segments: 1, bytes: expect.toSatisfy((bytes: number) => bytes > 1_000 && bytes < 3_000) }
    await vi.waitFor(() => expect(writer.status()).toContainEqual(expect.objectContaining({ lane: 'labels', ...fewBytes })), {
      timeout: 180_000,
    })
    const { writers } = await describeOutbox(log.dir)
    expect(writers[0]?.lanes).toContainEqual(expect.objectContaining({ lane: 'labels', ...fewBytes }))
  })

  it('takes again when consumers have freed what filled it', async () => {
    await start({ maxLaneBytes: 3_000, segmentBytes: 1_000, maintainEveryMs: 10 })
    const writer = await log.openWriter('w1')
    let appended = 0
    await vi.waitFor(
      async () => {
        const append = writer.append('labels', events(5))
        await append.then(() => (appended += 5)).catch(() => undefined)
        await expect(append).rejects.toEqual(refusal('holds its 3000 bytes'))
      },
      { timeout: 180_000 },
    )
    const consumer = await log.openConsumer('logger', ['labels'])
    await consumer.confirm(await fetchAtLeast(consumer, appended))
    await vi.waitFor(async () => expect(await writer.append('labels', events(1))).toHaveLength(1), { timeout: 180_000 })
  })
})

const step = fc.oneof(
  fc.record({ append: fc.integer({ min: 1, max: 12 }) }),
  fc.record({ confirm: fc.integer({ min: 1, max: 20 }), by: fc.constantFrom('logger' as const, 'features' as const) }),
  fc.constant('reopen' as const),
)

describe('the status of a lane', () => {
  it('says what its files say, whatever was appended, confirmed and reopened', async () => {
    const plan = fc.array(step, { minLength: 1, maxLength: 12 })
    await fc.assert(fc.asyncProperty(plan, compareAfterEach), { numRuns: 15 })
  })
})

async function compareAfterEach(steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[]): Promise<void> {
  const own = await makeOutboxHarness({ writer: { segmentBytes: 700, maintainEveryMs: 2, disk: unsyncedDisk } })
  try {
    let writer = await own.openWriter('w1')
    const [logger, features] = [
      await own.openConsumer('logger', ['feature_events']),
      await own.openConsumer('features', ['feature_events']),
    ]
    const consumers = { logger, features }
    for (const one of steps) {
      if (one === 'reopen') {
        await writer.close()
        writer = await own.openWriter('w1')
      } else if ('append' in one) {
        await writer.append('feature_events', events(one.append))
      } else {
        await consumers[one.by].confirm(await consumers[one.by].fetch({ maxRecords: one.confirm, maxBytes: 1 << 20, waitMs: 0 }))
      }
      await vi.waitFor(async () => {
        const status = writer.status().find(({ lane }) => lane === 'feature_events')
        const described = (await describeOutbox(own.dir)).writers[0]?.lanes.find(({ lane }) => lane === 'feature_events')
        const furthest = described?.consumers.toSorted((a, b) => b.records - a.records)[0]
        expect(status?.unconfirmed).toBe(furthest?.records ?? 0)
        expect(status?.oldestUnconfirmedAtMs).toBe(furthest?.oldestAppendedAtMs)
      }, soon)
    }
  } finally {
    await own.dispose()
  }
}
