import { stat } from 'node:fs/promises'
import { readAt, withFile } from './outbox-files.ts'
import { lastSeqOf } from './free-segments.ts'
import { claimedRecordBytes, decodeRecord, segmentHeaderBytes, segmentSeed, type SegmentId } from './segment-format.ts'
import { readSegmentHeader } from './segment-files.ts'
import { compareSegments, isMissing, listSegments, segmentPath } from './segment-names.ts'
import type { LogPosition } from './slot-file.ts'
import type { Lane } from '../../contracts/origin.ts'

export type LaneLag = { records: number; bytes: number; oldestAppendedAtMs?: number }

/** What a lane holds between a cursor and what its writer has published, seals counted like any record. */
export async function measureLag(options: {
  dir: string
  writerId: string
  lane: Lane
  published: LogPosition | undefined
  cursor: LogPosition | undefined
}): Promise<LaneLag> {
  const { dir, published, cursor } = options
  if (published === undefined) return { records: 0, bytes: 0 }
  const segments = (await listSegments(dir, options)).filter((id) => compareSegments(id, toSegment(published)) <= 0)
  let [records, bytes] = [0, 0]
  let oldestAppendedAtMs: number | undefined
  for (const [index, id] of segments.entries()) {
    if (cursor && (id.epoch < cursor.epoch || (id.epoch === cursor.epoch && id.firstSeq < cursor.segment))) continue
    const isPublished = compareSegments(id, toSegment(published)) === 0
    const lastSeq = isPublished ? published.seq : ((await lastSeqOf(id, segments[index + 1], dir)) ?? id.firstSeq - 1)
    const end = isPublished ? published.offset : await endOffset(dir, id)
    const isAtCursor = cursor?.epoch === id.epoch && cursor.segment === id.firstSeq
    const own = Math.max(0, lastSeq - (isAtCursor ? cursor.seq : id.firstSeq - 1))
    if (own === 0) continue
    const from = isAtCursor ? cursor.offset : segmentHeaderBytes
    oldestAppendedAtMs ??= await appendedAt(dir, id, from)
    records += own
    bytes += Math.max(0, end - from)
  }
  return { records, bytes, ...(oldestAppendedAtMs === undefined ? {} : { oldestAppendedAtMs }) }
}

function toSegment({ epoch, segment }: LogPosition): Pick<SegmentId, 'epoch' | 'firstSeq'> {
  return { epoch, firstSeq: segment }
}

async function endOffset(dir: string, id: SegmentId): Promise<number> {
  return (await readSegmentHeader(dir, id))?.completion?.endOffset ?? (await segmentBytes(dir, id))
}

/** The segment's size on disk; 0 when it has been freed meanwhile. */
export async function segmentBytes(dir: string, id: SegmentId): Promise<number> {
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
