import { readAt } from '../format/outbox-files.ts'
import {
  claimedRecordBytes,
  decodeRecord,
  type DecodedRecord,
  findRecord,
  segmentHeaderBytes,
  segmentSeed,
  type SegmentId,
} from '../format/segment-format.ts'

/** Reads the records of one segment file in their order, over what is damaged between them. Not for concurrent use. */
export type SegmentReader = {
  id: SegmentId
  fd: number
  /** The sequence number that comes next where none is missing. */
  nextSeq(): number
  /** The next record, if it is at hand. */
  peek(): DecodedRecord | undefined
  /** Goes on behind the record that `peek` gave; returns the offset there. */
  pass(record: DecodedRecord): number
  /** Brings the next whole record to hand; false when there is none below the limit. */
  refill(limit: number): Promise<boolean>
  /** Whether what stands before the limit was damaged, and no record was found behind it. */
  isStuck(): boolean
}

/** The bytes of one read call: large against its cost, small against what a consumer holds of it. */
const chunkBytes = 1024 * 1024

/** `resumeAt` is the offset of a cursor, which a power loss may have made point at no record's start. */
export function createSegmentReader(options: { id: SegmentId; fd: number; nextSeq: number; resumeAt: number | undefined }): SegmentReader {
  const { id, fd, resumeAt } = options
  const seed = segmentSeed(id)
  let { nextSeq } = options
  let resumed = resumeAt !== undefined
  let offset = resumeAt ?? segmentHeaderBytes
  let chunk: Buffer = Buffer.alloc(0)
  let chunkAt = offset
  let stuckAt = -1

  function peek(): DecodedRecord | undefined {
    const decoded = decodeRecord(chunk, offset - chunkAt, seed)
    return decoded === undefined || decoded.seq < nextSeq ? undefined : decoded
  }

  async function refill(limit: number): Promise<boolean> {
    if (resumed && offset > limit) rereadFromStart()
    if (offset >= limit || stuckAt === limit) return false
    await loadChunk(Math.min(limit - offset, chunkBytes))
    const claimed = claimedRecordBytes(chunk, 0) ?? 0
    if (claimed > chunk.length && offset + claimed <= limit) await loadChunk(claimed)
    return peek() !== undefined || skipDamage(limit)
  }

  async function loadChunk(bytes: number): Promise<void> {
    chunk = await readAt(fd, offset, bytes)
    chunkAt = offset
  }

  async function skipDamage(limit: number): Promise<boolean> {
    if (resumed) {
      rereadFromStart()
      return refill(limit)
    }
    await loadChunk(limit - offset)
    const found = findRecord(chunk, 1, { minSeq: nextSeq, seed })
    if (found === undefined) {
      stuckAt = limit
      return false
    }
    offset += found
    return true
  }

  /** Starts again at the segment's beginning when the cursor's offset is no record's start; its number still holds. */
  function rereadFromStart(): void {
    resumed = false
    offset = segmentHeaderBytes
    nextSeq = id.firstSeq
  }

  return {
    id,
    fd,
    nextSeq: () => nextSeq,
    peek,
    pass({ seq, end }) {
      nextSeq = seq + 1
      offset = chunkAt + end
      resumed = false
      return offset
    },
    refill,
    isStuck: () => stuckAt >= 0,
  }
}
