import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LogRecord } from '../../event-log/event-log.ts'
import { scanSegment } from '../write/lane-recovery.ts'
import { buildSegment, readLane, storeSegment, type SegmentFixture } from '../testing/segment-fixture.ts'
import { segmentHeaderBytes, type RecordInput, type SegmentId } from '../format/segment-format.ts'
import { segmentPath } from '../format/segment-names.ts'
import { casesOf } from '../../../test/testing/full-run.ts'

/** The step between damaged bytes; the full run damages each. */
const stride = casesOf({ few: 3, all: 1 })

const id: SegmentId = { writerId: 'w1', lane: 'predictions', epoch: 7, firstSeq: 1 }
const fixture = buildSegment(id, 8, { sealed: true })
const following = buildSegment({ ...id, firstSeq: 10 }, 2, { sealed: false })
const last = { epoch: 7, segment: 10, offset: following.bytes.length, seq: 11 }

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'damage-'))
  await storeSegment(dir, { id: following.id, bytes: following.bytes })
  await storeSegment(dir, { id, bytes: fixture.bytes, published: last })
})
afterAll(() => rm(dir, { recursive: true, force: true }))

describe('a damaged segment', () => {
  it('reads whole when nothing is wrong with it', async () => {
    const { records, damage } = await readLane(dir, id)
    expect(records.map(toInput)).toEqual([...fixture.records, ...following.records])
    expect(damage).toEqual([])
  })

  it('cut at any byte, gives every record before the cut, none that is wrong, and all behind it', async () => {
    for (let cut = 0; cut < fixture.bytes.length; cut += stride) {
      await writeFile(segmentPath(dir, id), fixture.bytes.subarray(0, cut))
      const { records, damage } = await readLane(dir, id)
      const whole = fixture.records.filter((_, index) => (fixture.ends[index] as number) <= cut)
      expect(records.map(toInput), `cut at ${cut}`).toEqual([...whole, ...following.records])
      expect(damage, `cut at ${cut}`).toEqual([lost(whole.length + 1, fixture.records.length)])
    }
  })

  it('with any bit flipped, loses at most the record that the bit is in, and says which', async () => {
    for (let offset = 0; offset < fixture.bytes.length; offset += stride) {
      await writeFile(segmentPath(dir, id), flip(fixture.bytes, offset, offset % 8))
      const { records, damage } = await readLane(dir, id)
      const hit = hitRecord(fixture, offset)
      const expected = fixture.records.filter((_, index) => index !== hit)
      expect(records.map(toInput), `flipped at ${offset}`).toEqual([...expected, ...following.records])
      expect(damage, `flipped at ${offset}`).toEqual(hit === undefined ? [] : [lost(hit + 1, hit + 1)])
    }
  })

  it('whose bytes were another segment of the lane gives no record at all', async () => {
    await writeFile(segmentPath(dir, id), buildSegment({ ...id, epoch: 6 }, 8, { sealed: true }).bytes)
    const { records, damage } = await readLane(dir, id)
    expect(records.map(toInput)).toEqual(following.records)
    expect(damage).toEqual([lost(1, 9)])
  })
})

describe('the scan that recovery cuts by', () => {
  const open = buildSegment(id, 9, { sealed: false })

  it('ends behind the last whole record, wherever the tail is torn', () => {
    for (let cut = segmentHeaderBytes; cut <= open.bytes.length; cut += 1) {
      const whole = open.ends.filter((end) => end <= cut)
      const extent = scanSegment(open.bytes.subarray(0, cut), { id, unsealedFrom: 1, keepUntil: 0 })
      expect(extent).toEqual({ end: whole.at(-1) ?? segmentHeaderBytes, lastSeq: whole.length, unsealedFrom: 1 })
    }
  })

  it('takes any flipped bit of an unpublished tail for the torn end, and of a published record for damage', () => {
    for (let bit = segmentHeaderBytes * 8; bit < open.bytes.length * 8; bit += 1) {
      const bytes = flip(open.bytes, bit >> 3, bit & 7)
      const hit = hitRecord(open, bit >> 3) as number
      const unpublished = scanSegment(bytes, { id, unsealedFrom: 1, keepUntil: 0 })
      expect(unpublished.lastSeq).toBe(hit)
      expect(unpublished.end).toBe(open.ends[hit - 1] ?? segmentHeaderBytes)
      const published = scanSegment(bytes, { id, unsealedFrom: 1, keepUntil: open.bytes.length })
      const isLast = hit === open.records.length - 1
      expect(published.lastSeq).toBe(isLast ? hit : open.records.length)
    }
  })
})

function lost(fromSeq: number, toSeq: number) {
  return { writerId: id.writerId, lane: id.lane, epoch: id.epoch, fromSeq, toSeq }
}

function flip(bytes: Buffer, offset: number, bit: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[offset] = (copy[offset] as number) ^ (1 << bit)
  return copy
}

/** The index of the record that the byte belongs to; undefined within the header. */
function hitRecord({ ends }: SegmentFixture, offset: number): number | undefined {
  return offset < segmentHeaderBytes ? undefined : ends.findIndex((end) => offset < end)
}

function toInput({ origin, kind, id: recordId, appendedAtMs, settledThrough, payload }: LogRecord): RecordInput {
  return { seq: origin.seq, kind, id: recordId, appendedAtMs, settledThrough, payload: Buffer.from(payload).toString() }
}
