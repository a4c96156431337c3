import { afterEach, describe, expect, it } from 'vitest'
import type { Lane } from '../../contracts/origin.ts'
import { seal } from '../../contracts/origin.ts'
import type { AppendInput, EventLogConsumer, EventLogWriter, LogRecord } from './event-log.ts'

/** One log, empty at first, that writers and consumers are opened on. */
export type EventLogHarness = {
  openWriter(writerId: string): Promise<EventLogWriter>
  openConsumer(name: string, lanes: readonly Lane[]): Promise<EventLogConsumer>
  /** Ends what the test left open and removes the log. */
  dispose(): Promise<void>
}

const wholeLane = { maxRecords: 10_000, maxBytes: 64 * 1024 * 1024 }

/** What every adapter of the event log promises. The harness names the consumer `logger` as durable for every lane. */
export function eventLogContract(name: string, makeHarness: () => Promise<EventLogHarness>): void {
  describe(`event log contract: ${name}`, () => {
    let open: EventLogHarness | undefined
    const start = async () => (open = await makeHarness())
    afterEach(async () => {
      await open?.dispose()
      open = undefined
    })

    it('delivers what was appended, byte for byte and in order', async () => {
      const log = await start()
      const writer = await log.openWriter('w1')
      const payloads = ['{"n":1}', '{"text":"Zürich ✈"}', '{"n":3}']
      const origins = await writer.append('predictions', payloads.map(toEvent))
      expect(origins).toEqual([1, 2, 3].map((seq) => ({ writer_id: 'w1', epoch: writer.epoch, lane: 'predictions', seq })))
      const consumer = await log.openConsumer('logger', ['predictions'])
      const records = await fetchAtLeast(consumer, 3)
      expect(records.map(({ payload }) => Buffer.from(payload).toString())).toEqual(payloads)
      expect(records.map(({ origin }) => origin)).toEqual(origins)
      expect(records.map(({ id, kind }) => ({ id, kind }))).toEqual([0, 1, 2].map((index) => ({ id: `id-${index}`, kind: 'event' })))
    })

    it('takes bytes as well as text, and keeps the kind', async () => {
      const log = await start()
      const writer = await log.openWriter('w1')
      await writer.append('labels', [{ kind: 'reject', id: 'r', payload: new Uint8Array([0, 255, 128]) }])
      const [record] = await fetchAtLeast(await log.openConsumer('logger', ['labels']), 1)
      expect(record?.kind).toBe('reject')
      expect([...(record?.payload ?? [])]).toEqual([0, 255, 128])
    })

    it('numbers each lane by itself, without gaps over concurrent appends', async () => {
      const log = await start()
      const writer = await log.openWriter('w1')
      const appends = Array.from({ length: 50 }, (_, index) => writer.append('predictions', [toEvent(`{"n":${index}}`, index)]))
      const [other] = await writer.append('labels', [toEvent('{}', 0)])
      expect(other?.seq).toBe(1)
      expect((await Promise.all(appends)).flat().map(({ seq }) => seq)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1))
    })

    it('wakes a waiting fetch, and gives up after the wait or on abort', async () => {
      const log = await start()
      const writer = await log.openWriter('w1')
      const consumer = await log.openConsumer('logger', ['predictions'])
      expect(await consumer.fetch({ ...wholeLane, waitMs: 20 })).toEqual([])
      const aborted = new AbortController()
      const fetching = consumer.fetch({ ...wholeLane, waitMs: 60_000, signal: aborted.signal })
      aborted.abort()
      expect(await fetching).toEqual([])
      const waiting = consumer.fetch({ ...wholeLane, waitMs: 10_000 })
      await writer.append('predictions', [toEvent('{}', 0)])
      expect(await waiting).toHaveLength(1)
    })

    it('keeps within the limits of a fetch, but always gives one record', async () => {
      const log = await start()
      const writer = await log.openWriter('w1')
      await writer.append(
        'predictions',
        Array.from({ length: 10 }, (_, index) => toEvent('x'.repeat(100), index)),
      )
      const consumer = await log.openConsumer('logger', ['predictions'])
      const limits = [{ maxRecords: 2 }, { maxBytes: 250 }, { maxBytes: 1 }]
      const seqs: number[] = []
      for (let turn = 0; seqs.length < 10; turn += 1) {
        const { maxRecords = 10, maxBytes = 1_000_000 } = limits[turn % limits.length] ?? {}
        const records = await consumer.fetch({ maxRecords, maxBytes, waitMs: 5_000 })
        expect(records.length).toBeGreaterThan(0)
        expect(records.length).toBeLessThanOrEqual(Math.min(maxRecords, Math.max(1, Math.floor(maxBytes / 100))))
        seqs.push(...records.map(({ origin }) => origin.seq))
      }
      expect(seqs).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    })

    it('goes on behind the last confirmed record after a restart, and delivers the unconfirmed again', async () => {
      const log = await start()
      const writer = await log.openWriter('w1')
      await writer.append(
        'predictions',
        Array.from({ length: 6 }, (_, index) => toEvent('{}', index)),
      )
      const before = await log.openConsumer('logger', ['predictions'])
      const records = await fetchAtLeast(before, 6)
      await before.confirm(records.slice(0, 4))
      await before.close()
      const after = await log.openConsumer('logger', ['predictions'])
      const again = await fetchUntil(after, (seqs) => seqs.has(5) && seqs.has(6))
      expect(again).toEqual(new Set([5, 6]))
    })

    it('takes confirmations in any order and delivers what is unconfirmed again', async () => {
      const log = await start()
      const writer = await log.openWriter('w1')
      await writer.append(
        'predictions',
        Array.from({ length: 6 }, (_, index) => toEvent('{}', index)),
      )
      const before = await log.openConsumer('logger', ['predictions'])
      const records = await fetchAtLeast(before, 6)
      await before.confirm([records[5], records[1], records[3]].filter((record) => record !== undefined))
      await before.confirm(records.slice(0, 1))
      await before.close()
      const after = await log.openConsumer('logger', ['predictions'])
      const again = await fetchUntil(after, (seqs) => seqs.has(3) && seqs.has(5))
      // A log that remembers only how far all is confirmed delivers 4 and 6 as well.
      expect([...again].filter((seq) => seq < 3)).toEqual([])
    })

    it('gives every durable consumer each record, and only the lanes it asked for', async () => {
      const log = await start()
      const writer = await log.openWriter('w1')
      const [logger, features] = [
        await log.openConsumer('logger', ['feature_events', 'labels']),
        await log.openConsumer('features', ['feature_events']),
      ]
      await writer.append('labels', [toEvent('{}', 0)])
      await writer.append('feature_events', [toEvent('{}', 1)])
      expect((await fetchAtLeast(logger, 2)).map(({ origin }) => origin.lane).toSorted()).toEqual(['feature_events', 'labels'])
      expect((await fetchAtLeast(features, 1)).map(({ origin }) => origin.lane)).toEqual(['feature_events'])
    })

    it('finds writers that come later, and a new epoch of a known one', async () => {
      const log = await start()
      const consumer = await log.openConsumer('logger', ['predictions'])
      const first = await log.openWriter('w1')
      await first.append('predictions', [toEvent('{}', 0)])
      expect((await fetchAtLeast(consumer, 1)).map(({ origin }) => origin.writer_id)).toEqual(['w1'])
      await first.close()
      const second = await log.openWriter('w1')
      const other = await log.openWriter('w2')
      expect(second.epoch).toBeGreaterThan(first.epoch)
      await second.append('predictions', [toEvent('{}', 1)])
      await other.append('predictions', [toEvent('{}', 2)])
      const missing = new Set([`w1/${second.epoch}/1`, `w2/${other.epoch}/1`])
      await expect
        .poll(async () => {
          for (const { origin } of await consumer.fetch({ ...wholeLane, waitMs: 100 }))
            missing.delete(`${origin.writer_id}/${origin.epoch}/${origin.seq}`)
          return missing.size
        })
        .toBe(0)
    })

    it('seals on close what the lane holds, and no lane that holds nothing', async () => {
      const log = await start()
      const writer = await log.openWriter('w1')
      await writer.append('labels', [toEvent('{}', 0), toEvent('{}', 1)])
      await writer.close()
      const records = await fetchAtLeast(await log.openConsumer('logger', ['labels', 'predictions']), 3)
      expect(records.map(({ kind }) => kind)).toEqual(['event', 'event', 'seal'])
      const { sealed_at: sealedAt, ...body } = seal.parse(JSON.parse(Buffer.from(records[2]?.payload ?? []).toString()))
      expect(Date.parse(sealedAt)).toBe(records[2]?.appendedAtMs)
      expect(body).toEqual({
        schema_version: 1,
        writer_id: 'w1',
        epoch: writer.epoch,
        lane: 'labels',
        first_seq: 1,
        last_seq: 2,
        count: 2,
        reason: 'close',
      })
      expect(records[2]?.origin.seq).toBe(3)
    })

    it('refuses appends once closed', async () => {
      const log = await start()
      const writer = await log.openWriter('w1')
      await writer.close()
      await writer.close()
      expect(writer.writable()).toBe(false)
      await expect(writer.append('labels', [toEvent('{}', 0)])).rejects.toMatchObject({ code: 'outbox_unavailable' })
    })

    it('delivers with each prediction how far fates are known', async () => {
      const log = await start()
      const writer = await log.openWriter('w1')
      const consumer = await log.openConsumer('logger', ['predictions', 'labels'])
      const [first] = await writer.append('predictions', [{ ...toEvent('{}', 0), awaitsFate: true }, toEvent('{}', 1)])
      await writer.append('labels', [toEvent('{}', 2)])
      expect(writer.settle(first!)).toBe(true)
      await writer.append('predictions', [{ ...toEvent('{}', 3), kind: 'fate' }])
      // Where the hour rises meanwhile, a seal comes between.
      const records = (await fetchAtLeast(consumer, 4, isNoSeal)).filter(isNoSeal)
      const inLane = (lane: Lane) =>
        records.filter(({ origin }) => origin.lane === lane).map(({ kind, settledThrough }) => [kind, settledThrough])
      expect(inLane('predictions')).toEqual([
        ['event', 0],
        ['event', 0],
        ['fate', 3],
      ])
      expect(inLane('labels')).toEqual([['event', undefined]])
    })

    it('says how far a consumer is behind', async () => {
      const log = await start()
      const writer = await log.openWriter('w1')
      await writer.append('predictions', [toEvent('{}', 0), toEvent('{}', 1), toEvent('{}', 2)])
      const consumer = await log.openConsumer('logger', ['predictions'])
      const records = await fetchAtLeast(consumer, 3)
      const before = (await consumer.lag()).find(({ lane }) => lane === 'predictions')
      expect(before).toMatchObject({ records: 3, oldestAppendedAtMs: records[0]?.appendedAtMs })
      await consumer.confirm(records)
      await expect.poll(async () => (await consumer.lag()).map(({ records: behind }) => behind)).toEqual([0])
    })
  })
}

async function fetchUntil(consumer: EventLogConsumer, enough: (seqs: ReadonlySet<number>) => boolean): Promise<Set<number>> {
  const seqs = new Set<number>()
  for (const until = performance.now() + 10_000; !enough(seqs);) {
    if (performance.now() > until) throw new Error(`only ${[...seqs].join()} came`)
    for (const { origin } of await consumer.fetch({ ...wholeLane, waitMs: 200 })) seqs.add(origin.seq)
  }
  return seqs
}

export function toEvent(payload: string, index: number): AppendInput {
  return { kind: 'event', id: `id-${index}`, payload }
}

const isNoSeal = ({ kind }: LogRecord) => kind !== 'seal'

/** Fetches until there are this many records; fails after ten seconds without. */
export async function fetchAtLeast(
  consumer: EventLogConsumer,
  count: number,
  isCounted: (record: LogRecord) => boolean = () => true,
): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  for (const until = performance.now() + 60_000; records.filter(isCounted).length < count;) {
    if (performance.now() > until) throw new Error(`only ${records.length} of ${count} records came`)
    records.push(...(await consumer.fetch({ ...wholeLane, waitMs: 200 })))
  }
  return records
}
