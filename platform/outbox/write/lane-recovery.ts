import { readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Lane } from '../../../contracts/origin.ts'
import { readCursors } from '../format/cursor-files.ts'
import { closeFile, openFile, truncateFile, type OutboxDisk } from '../format/outbox-files.ts'
import { sealRecord } from '../format/seal-record.ts'
import { completeSegment, createSegment, readSegmentHeader } from '../format/segment-files.ts'
import {
  decodeRecord,
  encodedRecordBytes,
  encodeSegmentHeader,
  findRecord,
  parseSegmentHeader,
  segmentHeaderBytes,
  segmentSeed,
  writeRecord,
  type SegmentId,
} from '../format/segment-format.ts'
import { laneDirectory, listSegments, positionFileName, segmentPath } from '../format/segment-names.ts'
import { openSlotFile, type LogPosition } from '../format/slot-file.ts'
import { syncDirectory } from '../../service/durable-files.ts'

export type LaneRecoveryOptions = {
  dir: string
  writerId: string
  lane: Lane
  /** The epoch just claimed: older ones are recovered. */
  epoch: number
  disk: OutboxDisk
  now: () => number
  /**
   * The epoch that failed in this very process. It is cut behind what was acknowledged (at its beginning when there was nothing),
   * for what an fdatasync failed on may still read well from the page cache and yet not be on the disk.
   */
  failed?: { epoch: number } & LaneEnd
}

/** How far this process came with the lane in an epoch that failed. */
export type LaneEnd = { acknowledged: LogPosition | undefined; settledThrough: number | undefined }

/** The extent of a segment's records: `end` is where it is to be cut. */
export type SegmentExtent = { end: number; lastSeq: number; unsealedFrom: number }

/** Ends every older epoch of the lane that was not closed: cuts the torn tail, seals, completes the last segment. Idempotent. */
export async function recoverLane(options: LaneRecoveryOptions): Promise<void> {
  const { dir, writerId, lane, epoch, disk } = options
  const segments = (await listSegments(dir, options)).filter((segment) => segment.epoch < epoch)
  const positionFile = await openSlotFile({ path: join(laneDirectory(dir, { writerId, lane }), positionFileName), disk })
  try {
    for (const old of new Set(segments.map((segment) => segment.epoch))) {
      const own = segments.filter((segment) => segment.epoch === old)
      const end = await recoverEpoch(own, { ...options, published: positionFile.last() })
      if (end && old >= (positionFile.last()?.epoch ?? 0)) await positionFile.write(end, { sync: true })
    }
  } finally {
    await positionFile.close()
  }
}

type EpochRecovery = LaneRecoveryOptions & { published: LogPosition | undefined }

/** The end of the epoch, or undefined when it holds no record. */
async function recoverEpoch(segments: SegmentId[], options: EpochRecovery): Promise<LogPosition | undefined> {
  const id = segments.at(-1)
  if (id === undefined) return undefined
  const completion = (await readSegmentHeader(options.dir, id))?.completion
  if (completion) {
    if (completion.unsealedFrom > completion.lastSeq) return toPosition(id, completion.endOffset, completion.lastSeq)
    return sealInNewSegment(id, completion, options)
  }
  const extent = await measure(id, { ...options, previous: segments.at(-2) })
  if (extent.lastSeq === 0) {
    await unlink(segmentPath(options.dir, id))
    await syncDirectory(laneDirectory(options.dir, id))
    return undefined
  }
  return endSegment(id, extent, options)
}

async function measure(
  id: SegmentId,
  { dir, failed, published, previous }: EpochRecovery & { previous: SegmentId | undefined },
): Promise<SegmentExtent> {
  const bytes = await readFile(segmentPath(dir, id))
  const unsealedFrom = parseSegmentHeader(bytes, id)?.unsealedFrom ?? (await unsealedAfter(previous, dir)) ?? id.firstSeq
  if (failed?.epoch === id.epoch) {
    const cutAt = failed.acknowledged?.segment === id.firstSeq ? failed.acknowledged.offset : segmentHeaderBytes
    return scanSegment(bytes.subarray(0, cutAt), { id, unsealedFrom, keepUntil: cutAt })
  }
  const known = published?.epoch === id.epoch ? published : undefined
  const extent = scanSegment(bytes, { id, unsealedFrom, keepUntil: known?.segment === id.firstSeq ? known.offset : 0 })
  // Numbers that were acknowledged or confirmed are not used again, even if a power loss took their records
  // (`durability: 'process'`): the seal then counts them, and reconciliation shows them missing.
  const cursors = (await readCursors(laneDirectory(dir, id))).map(({ position }) => position)
  const used = [known, ...cursors].map((position) => (position?.epoch === id.epoch ? position.seq : 0))
  return { ...extent, lastSeq: Math.max(extent.lastSeq, ...used) }
}

async function unsealedAfter(previous: SegmentId | undefined, dir: string): Promise<number | undefined> {
  return previous && (await readSegmentHeader(dir, previous))?.completion?.unsealedFrom
}

/**
 * Walks the records of a segment. Everything from the first record that is not whole is the torn tail, unless that
 * lies before `keepUntil`, up to where records were published as durable: then it is damage, and what follows stays.
 */
export function scanSegment(bytes: Buffer, options: { id: SegmentId; unsealedFrom: number; keepUntil: number }): SegmentExtent {
  const seed = segmentSeed(options.id)
  let end = segmentHeaderBytes
  let nextSeq = options.id.firstSeq
  let unsealedFrom = options.unsealedFrom
  for (;;) {
    const record = decodeRecord(bytes, end, seed)
    if (record === undefined || record.seq < nextSeq) {
      const found = end < options.keepUntil ? findRecord(bytes, end + 1, { minSeq: nextSeq, seed }) : undefined
      if (found === undefined) return { end, lastSeq: nextSeq - 1, unsealedFrom }
      end = found
      continue
    }
    if (record.kind === 'seal') unsealedFrom = record.seq + 1
    nextSeq = record.seq + 1
    end = record.end
  }
}

async function endSegment(id: SegmentId, extent: SegmentExtent, options: LaneRecoveryOptions): Promise<LogPosition> {
  const { dir, disk, now } = options
  const fd = await openFile(segmentPath(dir, id), 'r+')
  try {
    await truncateFile(fd, extent.end)
    const header = await readSegmentHeader(dir, id)
    if (header === undefined) {
      const bytes = encodeSegmentHeader(id, { unsealedFrom: extent.unsealedFrom, createdAtMs: now() })
      await disk.write(fd, bytes, bytes.length, 0)
    }
    const end = await sealAndComplete({ id, fd, extent, options })
    await syncDirectory(laneDirectory(dir, id))
    return end
  } finally {
    await closeFile(fd)
  }
}

/** Seals an epoch that ended between two segments: the one is complete, the next was not begun. */
async function sealInNewSegment(
  last: SegmentId,
  completion: { lastSeq: number; unsealedFrom: number },
  options: LaneRecoveryOptions,
): Promise<LogPosition> {
  const { dir, disk, now } = options
  const id = { ...last, firstSeq: completion.lastSeq + 1 }
  const fd = await createSegment({ dir, id, unsealedFrom: completion.unsealedFrom, createdAtMs: now(), disk })
  try {
    return await sealAndComplete({ id, fd, extent: { ...completion, end: segmentHeaderBytes }, options })
  } finally {
    await closeFile(fd)
  }
}

async function sealAndComplete(input: {
  id: SegmentId
  fd: number
  extent: SegmentExtent
  options: LaneRecoveryOptions
}): Promise<LogPosition> {
  const { id, fd, extent, options } = input
  const { disk } = options
  let { end: endOffset, lastSeq, unsealedFrom } = extent
  if (unsealedFrom <= lastSeq) {
    const seq = lastSeq + 1
    const settledThrough = options.failed?.epoch === id.epoch ? options.failed.settledThrough : undefined
    const seal = sealRecord({ ...id, unsealedFrom, seq, nowMs: options.now(), reason: 'recovery', settledThrough })
    const bytes = Buffer.alloc(encodedRecordBytes(seal))
    writeRecord(bytes, 0, seal, segmentSeed(id))
    await disk.write(fd, bytes, bytes.length, endOffset)
    endOffset += bytes.length
    lastSeq = seq
    unsealedFrom = seq + 1
  }
  // The completion vouches for what stands before it, so that has to be on disk first.
  await disk.datasync(fd)
  await completeSegment({ id, fd, disk, completion: { lastSeq, endOffset, unsealedFrom } })
  return toPosition(id, endOffset, lastSeq)
}

function toPosition(id: SegmentId, offset: number, seq: number): LogPosition {
  return { epoch: id.epoch, segment: id.firstSeq, offset, seq }
}
