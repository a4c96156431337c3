import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openOutboxWriter } from '../../platform/outbox/write/outbox-writer.ts'
import { toOutboxReport, toOutboxText } from './outbox-report.ts'
import { describeOutbox } from '../../platform/outbox/describe-outbox.ts'
import { embeddedConsumers } from '../../contracts/lane-consumers.ts'
import { openOutboxConsumer } from '../../platform/outbox/read/outbox-consumer.ts'

const appendedAtMs = Date.UTC(2026, 0, 5, 12)

test('a lane is as deep and as old as it is for the consumer that is furthest behind', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'hindsight-outbox-'))
  const writer = await openOutboxWriter({ dir, writerId: 'gateway-0', consumersOf: embeddedConsumers, now: () => appendedAtMs })
  const records = [1, 2, 3].map((n) => ({ kind: 'event' as const, id: `e${n}`, payload: '{}' }))
  await writer.append('feature_events', records)
  const logger = await openOutboxConsumer({ dir, name: 'logger', lanes: ['feature_events'] })
  await logger.confirm((await logger.fetch({ maxRecords: 2, maxBytes: 1 << 20, waitMs: 1_000 })).slice(0, 2))
  const report = toOutboxReport((await describeOutbox(dir)).writers, appendedAtMs + 90_000)
  expect(report).toMatchObject({
    records: 3,
    writers: [
      {
        writer_id: 'gateway-0',
        state: 'alive',
        pid: process.pid,
        lanes: [{ lane: 'feature_events', depth: 3, age_s: 90, segments: 1, epochs: 1, durable_seq: 3 }],
      },
    ],
  })
  const consumers = report.writers[0]!.lanes[0]!.consumers.toSorted((a, b) => a.records - b.records)
  expect(consumers).toMatchObject([
    { consumer: 'logger', records: 1, age_s: 90 },
    { consumer: 'features', records: 3, age_s: 90 },
  ])
  const text = toOutboxText(report)
  expect(text).toMatch(/^3 records wait, .* on disk\n/)
  expect(text).toMatch(/gateway-0\/feature_events {2}3 +90 s/)
  expect(text).toMatch(/logger behind by 1/)
  await logger.close()
  await writer.close()
  await rm(dir, { recursive: true })
})

test('says so where there is none', () => {
  expect(toOutboxText(toOutboxReport([], 0))).toBe('No outbox here yet.')
})
