import { closeFile, openFile, withFile, readAt, type OutboxDisk } from './outbox-files.ts'
import {
  completionOffset,
  encodeCompletion,
  encodeSegmentHeader,
  parseSegmentHeader,
  segmentHeaderBytes,
  type SegmentCompletion,
  type SegmentHeader,
  type SegmentId,
} from './segment-format.ts'
import { laneDirectory, segmentPath } from './segment-names.ts'
import { syncDirectory } from '../../service/durable-files.ts'

/** Creates the segment with its header, durably, name and all, and leaves it open for writing. */
export async function createSegment(options: {
  dir: string
  id: SegmentId
  unsealedFrom: number
  createdAtMs: number
  disk: OutboxDisk
}): Promise<number> {
  const { dir, id, unsealedFrom, createdAtMs, disk } = options
  const fd = await openFile(segmentPath(dir, id), 'wx+')
  try {
    await disk.write(fd, encodeSegmentHeader(id, { unsealedFrom, createdAtMs }), segmentHeaderBytes, 0)
    await disk.datasync(fd)
    await syncDirectory(laneDirectory(dir, id))
    return fd
  } catch (error) {
    await closeFile(fd)
    throw error
  }
}

/** Says durably that the segment takes no more records, and syncs all of it. */
export async function completeSegment(options: {
  id: SegmentId
  fd: number
  completion: SegmentCompletion
  disk: OutboxDisk
}): Promise<void> {
  const bytes = encodeCompletion(options.id, options.completion)
  await options.disk.write(options.fd, bytes, bytes.length, completionOffset)
  await options.disk.datasync(options.fd)
}

/** Reads a segment's header; undefined when there is no such file (any more) or its header is torn. */
export async function readSegmentHeader(dir: string, id: SegmentId): Promise<SegmentHeader | undefined> {
  return withFile(segmentPath(dir, id), 'r', async (fd) => parseSegmentHeader(await readAt(fd, 0, segmentHeaderBytes), id))
}

/** The last `seq` of a segment; undefined while it grows. */
export async function lastSeqOf(id: SegmentId, next: SegmentId | undefined, dir: string): Promise<number | undefined> {
  if (next?.epoch === id.epoch) return next.firstSeq - 1
  return (await readSegmentHeader(dir, id))?.completion?.lastSeq
}
