import { stat } from 'node:fs/promises'
import { readAt, withFile } from '../format/outbox-files.ts'
import { claimedRecordBytes, decodeRecord, segmentHeaderBytes, segmentSeed, type SegmentId } from '../format/segment-format.ts'
import { lastSeqOf, readSegmentHeader } from '../format/segment-files.ts'
import { compareSegments, isMissing, listSegments, segmentPath } from '../format/segment-names.ts'
import type { LogPosition } from '../format/slot-file.ts'
import type { Lane } from '../../../contracts/origin.ts'

export type LaneLag = { records: number; bytes: number; oldestAppendedAtMs?: number }

/** The end of a segment that takes no more records. */
export type SegmentEnd = { lastSeq: number; endOffset: number }

/**
 * What a lane holds between a cursor and what its writer has published, seals counted like any record. Who asks often
 * passes an `endOf` that remembers.
 */
export async function measureLag(options: {
  dir: string
  writerId: string
  lane: Lane
  published: LogPosition | undefined
  cursor: LogPosition | undefined
  endOf?: (id: SegmentId, next: SegmentId | undefined) => Promise<SegmentEnd>
}): Promise<LaneLag> {
  const { dir, published, cursor, endOf = (id, next) => readSegmentEnd(dir, id, next) } = options
  if (published === undefined) return { records: 0, bytes: 0 }
  const segments = (await listSegments(dir, options)).filter((id) => compareSegments(id, toSegment(published)) <= 0)
  let [records, bytes] = [0, 0]
  let oldestAppendedAtMs: number | undefined
  for (const [index, id] of segments.entries()) {
    if (cursor && (id.epoch < cursor.epoch || (id.epoch === cursor.epoch && id.firstSeq < cursor.segment))) continue
    const isPublished = compareSegments(id, toSegment(published)) === 0
    const end = isPublished ? { lastSeq: published.seq, endOffset: published.offset } : await endOf(id, segments[index + 1])
    const isAtCursor = cursor?.epoch === id.epoch && cursor.segment === id.firstSeq
    const own = Math.max(0, end.lastSeq - (isAtCursor ? cursor.seq : id.firstSeq - 1))
    if (own === 0) continue
    const from = isAtCursor ? cursor.offset : segmentHeaderBytes
    oldestAppendedAtMs ??= await appendedAt(dir, id, from)
    records += own
    bytes += Math.max(0, end.endOffset - from)
  }
  return { records, bytes, ...(oldestAppendedAtMs === undefined ? {} : { oldestAppendedAtMs }) }
}

function toSegment({ epoch, segment }: LogPosition): Pick<SegmentId, 'epoch' | 'firstSeq'> {
  return { epoch, firstSeq: segment }
}

/** Finds where a segment that was never completed ends, as far as that can be told. */
export async function readSegmentEnd(dir: string, id: SegmentId, next: SegmentId | undefined): Promise<SegmentEnd> {
  const lastSeq = (await lastSeqOf(id, next, dir)) ?? id.firstSeq - 1
  return { lastSeq, endOffset: (await readSegmentHeader(dir, id))?.completion?.endOffset ?? (await fileBytes(dir, id)) }
}

/** The bytes of the segment's header and records; 0 when it has been freed meanwhile. A growing segment has space for more behind them. */
export async function segmentBytes(dir: string, id: SegmentId, published: LogPosition | undefined): Promise<number> {
  const size = await fileBytes(dir, id)
  const order = published === undefined ? 1 : compareSegments(id, toSegment(published))
  if (order < 0) return size
  return Math.min(size, order === 0 && published !== undefined ? published.offset : segmentHeaderBytes)
}

async function fileBytes(dir: string, id: SegmentId): Promise<number> {
  try {
    return (await stat(segmentPath(dir, id))).size
  } catch (error) {
    if (isMissing(error)) return 0
    throw error
  }
}

async function appendedAt(dir: string, id: SegmentId, offset: number): Promise<number | undefined> {
  return withFile(segmentPath(dir, id), 'r', async (fd) => {
    const bytes = claimedRecordBytes(await readAt(fd, offset, 8), 0)
    return bytes === undefined ? undefined : decodeRecord(await readAt(fd, offset, bytes), 0, segmentSeed(id))?.appendedAtMs
  })
}
