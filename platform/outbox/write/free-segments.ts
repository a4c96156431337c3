import { readCursor } from '../format/cursor-files.ts'
import { lastSeqOf } from '../format/segment-files.ts'
import { laneDirectory, listSegments, segmentPath } from '../format/segment-names.ts'
import type { SegmentId } from '../format/segment-format.ts'
import type { Lane } from '../../../contracts/origin.ts'
import type { LogPosition } from '../format/slot-file.ts'
import { unlinkIfThere } from '../format/outbox-files.ts'

/**
 * Removes the lane's segments that every consumer has passed and returns the ones that stay. With no consumer named
 * nothing is removed. A segment that still grows has no known end, so it always stays.
 */
export async function freeSegments(options: {
  dir: string
  writerId: string
  lane: Lane
  consumers: readonly string[]
}): Promise<SegmentId[]> {
  const { dir, consumers } = options
  const segments = await listSegments(dir, options)
  if (segments.length === 0 || consumers.length === 0) return segments
  const cursors = await Promise.all(consumers.map((consumer) => readCursor(laneDirectory(dir, options), consumer)))
  const kept: SegmentId[] = []
  for (const [index, id] of segments.entries()) {
    if (await isPassed(id, { dir, next: segments[index + 1], cursors: cursors.map(({ position }) => position) })) {
      await unlinkIfThere(segmentPath(dir, id))
    } else {
      kept.push(id)
    }
  }
  return kept
}

async function isPassed(
  id: SegmentId,
  { dir, next, cursors }: { dir: string; next: SegmentId | undefined; cursors: (LogPosition | undefined)[] },
): Promise<boolean> {
  const within = cursors.filter((cursor) => cursor === undefined || cursor.epoch <= id.epoch)
  if (within.length === 0) return true
  if (within.some((cursor) => cursor === undefined || cursor.epoch < id.epoch || cursor.seq < id.firstSeq)) return false
  const lastSeq = await lastSeqOf(id, next, dir)
  return lastSeq !== undefined && within.every((cursor) => cursor !== undefined && cursor.seq >= lastSeq)
}
