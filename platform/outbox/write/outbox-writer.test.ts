import { readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import fc from 'fast-check'
import { seal } from '../../../contracts/origin.ts'
import { openOutboxWriter, type OutboxWriterOptions } from './outbox-writer.ts'
import { fetchAtLeast, toEvent } from '../../event-log/event-log.contract.ts'
import type { EventLogConsumer, LogRecord } from '../../event-log/event-log.ts'
import { freeSegments } from './free-segments.ts'
import { nodeDisk, openFile, type OutboxDisk } from '../format/outbox-files.ts'
import { makeOutboxHarness } from '../testing/outbox-harness.ts'
import { unsyncedDisk } from '../testing/segment-fixture.ts'
import { describeOutbox } from '../describe-outbox.ts'

let log: Awaited<ReturnType<typeof makeOutboxHarness>>
const start = async (writer: Partial<OutboxWriterOptions> = {}) => (log = await makeOutboxHarness({ writer }))
afterEach(() => log.dispose())

const events = (count: number, payload = '{}') => Array.from({ length: count }, (_, index) => toEvent(payload, index))
const segmentsOf = async (writerId: string, lane: string) =>
  (await readdir(join(log.dir, writerId, lane))).filter((name) => name.endsWith('.segment'))
const sealsIn = (records: LogRecord[]) =>
  records.filter(({ kind }) => kind === 'seal').map(({ payload }) => seal.parse(JSON.parse(Buffer.from(payload).toString())))

describe('group commit', () => {
  it('puts all that waits into one write and one sync, and answers in the order of the appends', async () => {
    const disk = countingDisk()
    await start({ disk })
    const writer = await log.openWriter('w1')
    await writer.append('predictions', events(1))
    const [writes, syncs] = [disk.writes, disk.syncs]
    const answered: number[] = []
    await Promise.all(events(40).map((event, index) => writer.append('predictions', [event]).then(() => answered.push(index))))
    expect(answered).toEqual(answered.toSorted((a, b) => a - b))
    expect(disk.syncs - syncs).toBe(1)
    // The writes are the records, and at most two looks at the published position.
    expect(disk.writes - writes).toBeLessThanOrEqual(3)
  })

  it('does not sync for what needs the page cache alone', async () => {
    const disk = countingDisk()
    await start({ disk })
    const writer = await log.openWriter('w1')
    await writer.append('predictions', events(1))
    const syncs = disk.syncs
    await writer.append('predictions', events(5), { durability: 'process' })
    expect(disk.syncs).toBe(syncs)
    expect(await fetchAtLeast(await log.openConsumer('logger', ['predictions']), 6)).toHaveLength(6)
  })

  it('keeps the order of any mix of sizes, lanes and durabilities, over any segment size', async () => {
    const append = fc.record({
      lane: fc.constantFrom('predictions' as const, 'labels' as const),
      sizes: fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 1, maxLength: 6 }),
      durability: fc.constantFrom('disk' as const, 'process' as const),
      waits: fc.boolean(),
    })
    const plan = fc.record({
      appends: fc.array(append, { minLength: 1, maxLength: 25 }),
      segmentBytes: fc.integer({ min: 600, max: 6_000 }),
    })
    await fc.assert(
      fc.asyncProperty(plan, async ({ appends, segmentBytes }) => {
        const own = await makeOutboxHarness({ writer: { segmentBytes, disk: unsyncedDisk } })
        try {
          const writer = await own.openWriter('w1')
          const expected = { predictions: [] as string[], labels: [] as string[] }
          const pending: Promise<number[]>[] = []
          for (const [index, { lane, sizes, durability, waits }] of appends.entries()) {
            const payloads = sizes.map((size, part) => `${index}/${part}:${'x'.repeat(size)}`)
            expected[lane].push(...payloads)
            const origins = writer.append(lane, payloads.map(toEvent), { durability })
            pending.push(origins.then((own) => own.map(({ seq }) => seq)))
            if (waits) await origins
          }
          const answered = await Promise.all(pending)
          for (const lane of ['predictions', 'labels'] as const) {
            const seqs = answered.filter((_, index) => appends[index]?.lane === lane).flat()
            expect(seqs).toEqual(expected[lane].map((_, index) => index + 1))
            if (seqs.length === 0) continue
            const records = await fetchAtLeast(await own.openConsumer('logger', [lane]), seqs.length)
            expect(records.map(({ payload }) => Buffer.from(payload).toString())).toEqual(expected[lane])
          }
        } finally {
          await own.dispose()
        }
      }),
      { numRuns: 25 },
    )
  })
})

describe('a disk that fails', () => {
  it.each([
    ['write', false],
    ['datasync', false],
    ['write', true],
    ['datasync', true],
  ] as const)('at a %s costs the epoch, no acknowledged record, and shows no refused one; writes through: %s', async (call, through) => {
    const disk = failingDisk({ through })
    const faults: unknown[] = []
    await start({ disk, maintainEveryMs: 20, onFault: (error) => faults.push(error) })
    const writer = await log.openWriter('w1')
    const first = writer.epoch
    await writer.append('predictions', events(3))
    await writer.append('labels', events(2))
    disk.failing = call
    const refused = writer.append('predictions', [{ kind: 'event', id: 'refused', payload: '{}' }])
    await expect(refused).rejects.toMatchObject({ code: 'outbox_unavailable', retryable: true })
    expect(writer.writable()).toBe(false)
    await expect(writer.append('labels', events(1))).rejects.toMatchObject({ code: 'outbox_unavailable' })
    await vi.waitFor(() => expect(faults.length).toBeGreaterThan(2), { timeout: 180_000 })
    disk.failing = undefined
    await vi.waitFor(() => expect(writer.writable()).toBe(true), { timeout: 180_000 })
    expect(writer.epoch).toBeGreaterThan(first)
    const [origin] = await writer.append('predictions', [{ kind: 'event', id: 'after', payload: '{}' }])
    expect(origin).toMatchObject({ epoch: writer.epoch, seq: 1 })
    const records = await fetchAtLeast(await log.openConsumer('logger', ['predictions', 'labels']), 8)
    const ids = records.filter(({ origin: { lane } }) => lane === 'predictions').map(({ id }) => id)
    expect(ids).toEqual(['id-0', 'id-1', 'id-2', `w1/predictions/${first}/4`, 'after'])
    expect(sealsIn(records).map(({ epoch, lane, count, reason }) => ({ epoch, lane, count, reason }))).toEqual(
      expect.arrayContaining([
        { epoch: first, lane: 'predictions', count: 3, reason: 'recovery' },
        { epoch: first, lane: 'labels', count: 2, reason: 'recovery' },
      ]),
    )
  })

  it('still has segments freed, so that a full one can write again', async () => {
    const disk = failingDisk()
    await start({ disk, segmentBytes: 700, maintainEveryMs: 10 })
    const writer = await log.openWriter('w1')
    const consumer = await log.openConsumer('logger', ['labels'])
    for (let index = 0; index < 5; index += 1) await writer.append('labels', [toEvent('x'.repeat(150), index)])
    const records = await fetchAtLeast(consumer, 5)
    disk.failing = 'write'
    await expect(writer.append('labels', events(1))).rejects.toMatchObject({ code: 'outbox_unavailable' })
    await consumer.confirm(records)
    await vi.waitFor(async () => expect((await segmentsOf('w1', 'labels')).length).toBeLessThanOrEqual(1), { timeout: 180_000 })
    expect(writer.writable()).toBe(false)
    disk.failing = undefined
  })

  it('leaves nothing behind of the attempts to write again', async () => {
    const disk = failingDisk()
    let attempts = 0
    await start({ disk, maintainEveryMs: 5, onFault: () => void (attempts += 1) })
    const writer = await log.openWriter('w1')
    await writer.append('labels', events(1))
    const open = await openFilesIn(log.dir)
    disk.failing = 'write'
    await expect(writer.append('labels', events(1))).rejects.toMatchObject({ code: 'outbox_unavailable' })
    const before = attempts
    await vi.waitFor(() => expect(attempts).toBeGreaterThan(before + 5), { timeout: 180_000 })
    disk.failing = undefined
    await vi.waitFor(() => expect(writer.writable()).toBe(true), { timeout: 180_000 })
    expect(await openFilesIn(log.dir)).toBeLessThanOrEqual(open)
  })

  it('at the opening is told as outbox_unavailable and leaves the outbox free', async () => {
    const disk = failingDisk()
    await start({ disk, lockWaitMs: 0 })
    disk.failing = 'datasync'
    await expect(log.openWriter('w1')).rejects.toMatchObject({ code: 'outbox_unavailable' })
    disk.failing = undefined
    expect((await log.openWriter('w1')).writable()).toBe(true)
  })
})

describe('seals', () => {
  it('are written when the UTC hour rises, before the first record of the new hour or without one', async () => {
    let nowMs = Date.UTC(2026, 0, 1, 10, 59, 59, 900)
    await start({ now: () => nowMs, maintainEveryMs: 10 })
    const writer = await log.openWriter('w1')
    await writer.append('predictions', events(3))
    nowMs += 200
    await writer.append('predictions', events(2))
    nowMs += 3_600_000
    const records = await fetchAtLeast(await log.openConsumer('logger', ['predictions']), 7)
    expect(records.map(({ kind }) => kind).join()).toBe('event,event,event,seal,event,event,seal')
    const ranges = sealsIn(records).map(({ first_seq, last_seq, count, reason }) => ({ first_seq, last_seq, count, reason }))
    expect(ranges).toEqual([
      { first_seq: 1, last_seq: 3, count: 3, reason: 'hour' },
      { first_seq: 5, last_seq: 6, count: 2, reason: 'hour' },
    ])
  })
})

describe('bounds', () => {
  it('refuse what would not fit into memory or on the lane, and leave other lanes alone', async () => {
    await start({ maxQueuedBytes: 2_000, maxLaneBytes: 3_000, segmentBytes: 1_000, maintainEveryMs: 10 })
    const writer = await log.openWriter('w1')
    await expect(writer.append('labels', events(30, 'x'.repeat(100)))).rejects.toMatchObject({ code: 'outbox_unavailable' })
    await vi.waitFor(
      async () => {
        const full = writer.append('labels', events(5, 'x'.repeat(100)))
        await expect(full).rejects.toMatchObject({ message: expect.stringContaining('holds its 3000 bytes') })
      },
      { timeout: 180_000 },
    )
    expect(writer.writable()).toBe(true)
    expect(await writer.append('predictions', events(1))).toHaveLength(1)
  })

  it('refuse a record that is too large, with a code of its own', async () => {
    await start()
    const writer = await log.openWriter('w1')
    await expect(writer.append('labels', events(1, 'x'.repeat(17 * 1024 ** 2)))).rejects.toMatchObject({ code: 'event_too_large' })
  })
})

describe('segments', () => {
  it('are freed when every consumer of the lane has confirmed them, and not before', async () => {
    await start({ segmentBytes: 700, maintainEveryMs: 10 })
    const writer = await log.openWriter('w1')
    for (let index = 0; index < 10; index += 1) await writer.append('feature_events', [toEvent('x'.repeat(150), index)])
    const all = (await segmentsOf('w1', 'feature_events')).length
    expect(all).toBeGreaterThan(4)
    const [logger, features] = [
      await log.openConsumer('logger', ['feature_events']),
      await log.openConsumer('features', ['feature_events']),
    ]
    await confirmAll(logger, 10)
    const lane = { dir: log.dir, writerId: 'w1', lane: 'feature_events' as const, consumers: ['logger', 'features'] }
    expect(await freeSegments(lane)).toHaveLength(all)
    await confirmAll(features, 10)
    await vi.waitFor(async () => expect(await segmentsOf('w1', 'feature_events')).toHaveLength(1), { timeout: 180_000 })
    await vi.waitFor(() => expect(writer.status().find(({ lane }) => lane === 'feature_events')?.segments).toBe(1), { timeout: 180_000 })
  })

  it('of a writer that is gone are sealed and freed by another one, and its directory goes when it is empty for long', async () => {
    let nowMs = Date.now()
    await start({ maintainEveryMs: 10, adoptEveryMs: 0, now: () => nowMs, segmentBytes: 700 })
    const gone = await log.openWriter('gone')
    await gone.append('labels', events(2))
    await gone.close()
    await log.openWriter('w1')
    const consumer = await log.openConsumer('logger', ['labels'])
    await confirmAll(consumer, 3)
    await vi.waitFor(async () => expect(await segmentsOf('gone', 'labels')).toEqual([]), { timeout: 180_000 })
    expect(await readdir(log.dir)).toContain('gone')
    nowMs += 2 * 3_600_000
    await vi.waitFor(async () => expect(await readdir(log.dir)).toEqual(['w1']), { timeout: 180_000 })
    const again = await log.openWriter('gone')
    expect(again.epoch).toBeGreaterThan(gone.epoch)
    await again.append('labels', events(1))
    expect((await fetchAtLeast(consumer, 1)).map(({ origin }) => origin.epoch)).toEqual([again.epoch])
  })
})

describe('describeOutbox', () => {
  it('shows writers, lanes and how far each consumer is behind', async () => {
    await start()
    const writer = await log.openWriter('w1')
    await writer.append('labels', events(5))
    const consumer = await log.openConsumer('logger', ['labels'])
    await consumer.confirm((await fetchAtLeast(consumer, 5)).slice(0, 3))
    const { writers } = await describeOutbox(log.dir)
    expect(writers).toHaveLength(1)
    expect(writers[0]).toMatchObject({ writerId: 'w1', epoch: writer.epoch, pid: process.pid, state: 'alive' })
    expect(writers[0]?.lanes).toMatchObject([
      { lane: 'labels', epochs: 1, segments: 1, epoch: writer.epoch, durableSeq: 5, consumers: [{ consumer: 'logger', records: 2 }] },
    ])
  })

  it('has nothing to say of a directory that is not there', async () => {
    await start()
    expect(await describeOutbox(join(log.dir, 'none'))).toEqual({ writers: [] })
  })
})

describe('openOutboxWriter', () => {
  it('refuses an outbox that is open, and names that could leave the directory', async () => {
    await start({ lockWaitMs: 60 })
    await log.openWriter('w1')
    await expect(log.openWriter('w1')).rejects.toMatchObject({ code: 'outbox_unavailable' })
    await expect(log.openWriter('../w1')).rejects.toMatchObject({ code: 'invalid_config' })
  })

  it('waits for the process before it to let go', async () => {
    await start()
    const first = await log.openWriter('w1')
    const consumersOf = { predictions: [], labels: [], feature_events: [], batch_predictions: [] }
    const opening = openOutboxWriter({ dir: log.dir, writerId: 'w1', consumersOf, lockWaitMs: 10_000 })
    await first.close()
    const second = await opening
    expect(second.epoch).toBeGreaterThan(first.epoch)
    await second.close()
  })
})

async function confirmAll(consumer: EventLogConsumer, count: number): Promise<void> {
  await consumer.confirm(await fetchAtLeast(consumer, count))
}

/** How many files below `dir` this process has open; none where there is no /proc. */
async function openFilesIn(dir: string): Promise<number> {
  const names = await readdir('/proc/self/fd').catch(() => [])
  const targets = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')))
  return targets.filter((target) => target.startsWith(dir)).length
}

function countingDisk(): OutboxDisk & { writes: number; syncs: number } {
  const disk = {
    writes: 0,
    syncs: 0,
    write: (...args: Parameters<OutboxDisk['write']>) => {
      disk.writes += 1
      return nodeDisk.write(...args)
    },
    datasync: (fd: number) => {
      disk.syncs += 1
      return nodeDisk.datasync(fd)
    },
  }
  return disk
}

/** A disk that takes no write, as when it is full, or completes no sync, as when it is broken. */
function failingDisk({ through = false } = {}): OutboxDisk & { failing: 'write' | 'datasync' | undefined } {
  const throughFds = new Set<number>()
  async function openThrough(path: string): Promise<number> {
    const fd = await openFile(path, 'r+')
    throughFds.add(fd)
    return fd
  }
  const fail = (code: string) => Promise.reject(Object.assign(new Error(code), { code }))
  const disk: OutboxDisk & { failing: 'write' | 'datasync' | undefined } = {
    failing: undefined,
    write: (fd, ...rest) => {
      if (disk.failing === 'write') return fail('ENOSPC')
      return disk.failing === 'datasync' && throughFds.has(fd) ? fail('EIO') : nodeDisk.write(fd, ...rest)
    },
    datasync: (fd) => (disk.failing === 'datasync' ? fail('EIO') : nodeDisk.datasync(fd)),
    ...(through && { openThrough }),
  }
  return disk
}
