import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { seal as sealSchema } from '../../../contracts/origin.ts'
import type { AppendInput, LogRecord } from '../../event-log/event-log.ts'
import { nodeDisk, type OutboxDisk } from '../format/outbox-files.ts'
import { makeDirectory } from '../../service/durable-files.ts'
import { readSegmentHeader } from '../format/segment-files.ts'
import { encodedRecordBytes } from '../format/segment-format.ts'
import { laneDirectory, listSegments, positionPath } from '../format/segment-names.ts'
import { openSlotFile, type LogPosition } from '../format/slot-file.ts'
import { readLane, unsyncedDisk } from '../testing/segment-fixture.ts'
import { createSegmentSink, sealBytesAtMost, type LaneEntry, type SegmentSink, type SegmentSinkOptions } from './segment-sink.ts'
import { createSettlement } from './settlement.ts'

const place = { writerId: 'w1', lane: 'labels' as const, epoch: 5 }
const hourMs = 3_600_000

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sink-'))
  await makeDirectory(laneDirectory(dir, place))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const make = (options: Partial<SegmentSinkOptions> = {}) =>
  createSegmentSink({ ...place, dir, segmentBytes: 1 << 20, disk: unsyncedDisk, now: () => 0, settlement: undefined, ...options })

describe('a segment sink', () => {
  it('numbers records over batches and segments without a gap, and reads back as written', async () => {
    const sizes = fc.array(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 5 }), { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 600, max: 3_000 }), async (batches, segmentBytes) => {
        await rm(laneDirectory(dir, place), { recursive: true })
        await makeDirectory(laneDirectory(dir, place))
        const sink = make({ segmentBytes })
        const seqs: number[] = []
        for (const batch of batches) {
          const origins = await sink.write(batch.map((size) => toEntry('x'.repeat(size))))
          seqs.push(...origins.flat().map(({ seq }) => seq))
        }
        const all = batches.flat()
        expect(seqs).toEqual(all.map((_, index) => index + 1))
        expect((await readBack(sink)).map(({ payload }) => payload.length)).toEqual(all)
        await sink.close()
      }),
      { numRuns: 40 },
    )
  })

  it('completes the segment that the next batch would make too long, and never divides a batch', async () => {
    const sink = make({ segmentBytes: 4_000 })
    await sink.write([toEntry('x'.repeat(9_000)), toEntry('y')])
    await sink.write([toEntry('z')])
    await sink.complete()
    expect(sink.position()).toBeUndefined()
    const segments = await listSegments(dir, place)
    const completions = await Promise.all(segments.map(async (id) => (await readSegmentHeader(dir, id))?.completion))
    expect(segments.map(({ firstSeq }) => firstSeq)).toEqual([1, 3])
    expect(completions).toMatchObject([
      { lastSeq: 2, unsealedFrom: 1 },
      { lastSeq: 3, unsealedFrom: 1 },
    ])
  })

  it('seals what is asked for, and nothing twice', async () => {
    const sink = make()
    await sink.write([{ ...toEntry('a'), seal: 'close' }, sealEntry('close')])
    await sink.write([sealEntry('close')])
    expect(sink.lastSeq()).toBe(2)
    expect(sealsIn(await readBack(sink))).toEqual([{ first_seq: 1, last_seq: 1, reason: 'close' }])
    await sink.close()
  })

  it('puts the seal of an hour before the first batch of the next, unless the clock went back', async () => {
    let nowMs = 10 * hourMs
    const sink = make({ now: () => nowMs })
    await sink.write([toEntry('a')])
    nowMs -= hourMs
    await sink.write([toEntry('b')])
    expect(sink.hourNeedsSeal()).toBe(false)
    nowMs += 2 * hourMs
    expect(sink.hourNeedsSeal()).toBe(true)
    await sink.write([toEntry('c')])
    nowMs += hourMs
    expect(sink.hourNeedsSeal()).toBe(true)
    await sink.write([sealEntry('hour')])
    expect(sink.hourNeedsSeal()).toBe(false)
    const records = await readBack(sink)
    expect(records.map(({ kind }) => kind)).toEqual(['event', 'event', 'seal', 'event', 'seal'])
    expect(sealsIn(records)).toMatchObject([{ last_seq: 2 }, { first_seq: 4, last_seq: 4 }])
    await sink.close()
  })

  it('says with each record up to where fates are known', async () => {
    const settlement = createSettlement()
    const sink = make({ settlement })
    await sink.write([toEntry('a'), toEntry('b', true), toEntry('c')])
    expect(sink.saidThrough()).toBe(1)
    settlement.settle(2)
    await sink.write([toEntry('d')])
    expect(sink.saidThrough()).toBe(4)
    expect((await readBack(sink)).map(({ settledThrough }) => settledThrough)).toEqual([1, 1, 1, 4])
    await sink.close()
  })

  it('uses no number of a batch that was not written', async () => {
    const disk: OutboxDisk & { isBroken?: boolean } = {
      ...unsyncedDisk,
      write: (...args) => (disk.isBroken ? Promise.reject(new Error('EIO')) : nodeDisk.write(...args)),
    }
    const sink = make({ disk })
    await sink.write([toEntry('a')])
    const end = sink.position()
    disk.isBroken = true
    await expect(sink.write([toEntry('b')])).rejects.toThrow('EIO')
    expect(sink.position()).toEqual(end)
    expect(sink.lastSeq()).toBe(1)
    await sink.close()
  })
})

function toEntry(payload: string, awaitsFate = false): LaneEntry {
  const record: AppendInput = { kind: 'event', id: 'id', payload, awaitsFate }
  return { records: [record], seal: undefined, bytes: encodedRecordBytes({ ...record, settledThrough: 0 }) }
}

function sealEntry(seal: LaneEntry['seal']): LaneEntry {
  return { records: [], seal, bytes: sealBytesAtMost }
}

async function readBack(sink: SegmentSink): Promise<LogRecord[]> {
  const positions = await openSlotFile({ path: positionPath(dir, place), disk: unsyncedDisk })
  const end: LogPosition | undefined = sink.position()
  if (end) await positions.write(end, { sync: false })
  await positions.close()
  const { records, damage } = await readLane(dir, place)
  expect(damage).toEqual([])
  return records
}

function sealsIn(records: LogRecord[]) {
  const seals = records
    .filter(({ kind }) => kind === 'seal')
    .map(({ payload }) => sealSchema.parse(JSON.parse(Buffer.from(payload).toString())))
  return seals.map(({ first_seq, last_seq, reason }) => ({ first_seq, last_seq, reason }))
}
