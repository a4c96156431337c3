import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { seal, type Seal } from '../../../contracts/origin.ts'
import { cursorPath } from '../format/cursor-files.ts'
import { recoverLane, type LaneRecoveryOptions } from './lane-recovery.ts'
import { withFile } from '../format/outbox-files.ts'
import { buildSegment, readLane, storeSegment, unsyncedDisk } from '../testing/segment-fixture.ts'
import { completionOffset, encodeCompletion, segmentHeaderBytes, type SegmentId } from '../format/segment-format.ts'
import { laneDirectory, positionPath, segmentPath } from '../format/segment-names.ts'
import { openSlotFile, readSlots } from '../format/slot-file.ts'
import { casesOf } from '../../../test/testing/full-run.ts'

/** The step between damaged bytes; the full run damages each. */
const stride = casesOf({ few: 3, all: 1 })

const id: SegmentId = { writerId: 'w1', lane: 'labels', epoch: 3, firstSeq: 1 }
const crashed = buildSegment(id, 6, { sealed: false })

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'recovery-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

describe('recoverLane', () => {
  it.each([
    ['at the end of the file', 0],
    ['among zeros that were made ready for more', 3_000],
  ])('cuts a tail torn at any byte, seals what is whole, and changes nothing when run again: %s', async (_where, zeros) => {
    for (let cut = segmentHeaderBytes; cut <= crashed.bytes.length; cut += stride) {
      const whole = crashed.ends.filter((end) => end <= cut).length
      await storeSegment(dir, {
        id,
        bytes: Buffer.concat([crashed.bytes.subarray(0, cut), Buffer.alloc(zeros)]),
        published: position(Math.min(1, whole)),
      })
      await recover()
      if (whole === 0) continue
      const once = await readLane(dir, id)
      const { size } = await stat(segmentPath(dir, id))
      expect(size).toBe((await publishedIn(dir))?.offset)
      await recover()
      expect(await readLane(dir, id)).toEqual(once)
      expect(once.damage).toEqual([])
      expect(once.records.map(({ kind }) => kind)).toEqual([...crashed.records.slice(0, whole).map(({ kind }) => kind), 'seal'])
      expect(toSeal(once.records.at(-1)?.payload)).toMatchObject({ first_seq: 1, last_seq: whole, count: whole, reason: 'recovery' })
    }
  })

  it('keeps published records that stand behind a damaged one', async () => {
    const bytes = Buffer.from(crashed.bytes)
    const inThird = (crashed.ends[1] as number) + 12
    bytes[inThird] = (bytes[inThird] as number) ^ 1
    await storeSegment(dir, { id, bytes, published: position(6) })
    await recover()
    const { records, damage } = await readLane(dir, id)
    expect(records.map(({ origin }) => origin.seq)).toEqual([1, 2, 4, 5, 6, 7])
    expect(damage).toEqual([{ writerId: 'w1', lane: 'labels', epoch: 3, fromSeq: 3, toSeq: 3 }])
    expect(toSeal(records.at(-1)?.payload)).toMatchObject({ first_seq: 1, last_seq: 6, count: 6 })
  })

  it('counts in the seal what was published and is gone, and uses no number twice', async () => {
    await storeSegment(dir, { id, bytes: crashed.bytes.subarray(0, crashed.ends[2]), published: position(5) })
    const cursor = await openSlotFile({ path: cursorPath(laneDirectory(dir, id), 'logger') })
    await cursor.write(position(6), { sync: false })
    await cursor.close()
    await recover()
    const { records, damage } = await readLane(dir, id)
    expect(records.map(({ origin }) => origin.seq)).toEqual([1, 2, 3, 7])
    expect(damage).toEqual([{ writerId: 'w1', lane: 'labels', epoch: 3, fromSeq: 4, toSeq: 6 }])
    expect(toSeal(records.at(-1)?.payload)).toMatchObject({ first_seq: 1, last_seq: 6, count: 6 })
    // The consumer whose cursor points past what is left, or amid it, goes on with the seal.
    for (const offset of [position(6).offset, position(4).offset + 3]) {
      const resumed = await readLane(dir, id, { ...position(6), offset })
      expect(resumed.records.map(({ origin }) => origin.seq)).toEqual([7])
      expect(resumed.damage).toEqual([])
    }
  })

  it('seals from behind the last seal, also across segments', async () => {
    const first = buildSegment(id, 4, { sealed: false })
    encodeCompletion(id, { lastSeq: 4, endOffset: first.bytes.length, unsealedFrom: 3 }).copy(first.bytes, completionOffset)
    await storeSegment(dir, { id, bytes: first.bytes, published: position(4) })
    await recover()
    const { records } = await readLane(dir, id)
    expect(records.map(({ origin }) => origin.seq)).toEqual([1, 2, 3, 4, 5])
    expect(toSeal(records.at(-1)?.payload)).toMatchObject({ first_seq: 3, last_seq: 4, count: 2 })
  })

  it('finds where to seal from when the crash tore the header of a segment just begun', async () => {
    const first = buildSegment(id, 4, { sealed: false })
    encodeCompletion(id, { lastSeq: 4, endOffset: first.bytes.length, unsealedFrom: 2 }).copy(first.bytes, completionOffset)
    await storeSegment(dir, { id, bytes: first.bytes })
    await storeSegment(dir, { id: { ...id, firstSeq: 5 }, bytes: Buffer.alloc(100), published: position(4) })
    await recover()
    const { records, damage } = await readLane(dir, id)
    expect(damage).toEqual([])
    expect(toSeal(records.at(-1)?.payload)).toMatchObject({ first_seq: 2, last_seq: 4, count: 3 })
  })

  it('cuts a failed epoch of this process behind what was acknowledged, however well the rest reads', async () => {
    await storeSegment(dir, { id, bytes: crashed.bytes, published: position(2) })
    await recover({ failed: { epoch: 3, acknowledged: position(4), settledThrough: 3 } })
    const { records } = await readLane(dir, id)
    expect(records.map(({ origin }) => origin.seq)).toEqual([1, 2, 3, 4, 5])
    expect(records.at(-1)?.settledThrough).toBe(3)
    expect(toSeal(records.at(-1)?.payload)).toMatchObject({ last_seq: 4, count: 4 })
  })

  it('leaves nothing of an epoch in which nothing was acknowledged', async () => {
    await storeSegment(dir, { id, bytes: crashed.bytes })
    await recover({ failed: { epoch: 3, acknowledged: undefined, settledThrough: undefined } })
    expect(await readLane(dir, id)).toEqual({ records: [], damage: [] })
  })
})

function recover(options: Partial<LaneRecoveryOptions> = {}): Promise<void> {
  return recoverLane({ dir, writerId: 'w1', lane: 'labels', epoch: 4, disk: unsyncedDisk, now: () => 1_700_000_200_000, ...options })
}

/** The position behind the record of this number in the crashed segment. */
function position(seq: number) {
  return { epoch: 3, segment: 1, offset: crashed.ends[seq - 1] ?? segmentHeaderBytes, seq }
}

function publishedIn(outbox: string) {
  return withFile(positionPath(outbox, id), 'r', readSlots)
}

function toSeal(payload: Uint8Array | undefined): Seal {
  return seal.parse(JSON.parse(Buffer.from(payload ?? []).toString()))
}
