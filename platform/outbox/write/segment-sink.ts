import type { Lane, Origin, Seal } from '../../../contracts/origin.ts'
import type { AppendInput } from '../../event-log/event-log.ts'
import type { OutboxDisk } from '../format/outbox-files.ts'
import { sealRecord } from '../format/seal-record.ts'
import { completeSegment, createSegment } from '../format/segment-files.ts'
import { segmentHeaderBytes, segmentSeed, writeRecord, type RecordInput, type SegmentId } from '../format/segment-format.ts'
import { segmentPath } from '../format/segment-names.ts'
import type { LogPosition } from '../format/slot-file.ts'
import { openSegmentFile, type SegmentFile } from './segment-file.ts'
import type { Settlement } from './settlement.ts'

/** One append: records, then a seal where a reason for one is given. `bytes` is the most that all of it takes in the segment. */
export type LaneEntry = { records: readonly AppendInput[]; seal: Seal['reason'] | undefined; bytes: number }

export type SegmentSinkOptions = {
  dir: string
  writerId: string
  lane: Lane
  epoch: number
  /** A segment that the next batch would make longer than this is completed first; one batch is never divided. */
  segmentBytes: number
  disk: OutboxDisk
  now: () => number
  /** The fates that records await, in a lane whose records await one. */
  settlement: Settlement | undefined
}

/** The segments of one lane in one epoch. One call at a time; after one that failed only `close` is of use. */
export type SegmentSink = {
  /**
   * Numbers the batch and writes it: onto the disk if it is to be durable, with all before it, else into the page cache. A seal of
   * the hour goes before it when the UTC hour has risen.
   */
  write(batch: readonly LaneEntry[], options?: { isDurable: boolean }): Promise<Origin[][]>
  /** Says durably that the open segment takes no more, and closes it. */
  complete(): Promise<void>
  /** Closes the open segment as it is. */
  close(): Promise<void>
  /** The position behind the last record of the open segment; undefined when none is open. */
  position(): LogPosition | undefined
  lastSeq(): number
  /** The last `settledThrough` that a record carries; 0 before the first. */
  saidThrough(): number
  /** Whether something is not sealed and the UTC hour is another than that of the last write. */
  hourNeedsSeal(): boolean
}

type OpenSegment = { id: SegmentId; file: SegmentFile; offset: number; seed: number }
type Numbering = { nextSeq: number; unsealedFrom: number; saidThrough: number }

/** The most bytes by which the buffer may exceed the batch that it grows for. */
const maxSpareBytes = 4 * 1024 * 1024
/** The most bytes of a seal. */
export const sealBytesAtMost = 1024
const hourMs = 3_600_000

export function createSegmentSink(options: SegmentSinkOptions): SegmentSink {
  const { dir, writerId, lane, epoch, segmentBytes, disk, now } = options
  const encode = createBatchEncoder(options)
  let segment: OpenSegment | undefined
  let numbering: Numbering = { nextSeq: 1, unsealedFrom: 1, saidThrough: 0 }
  let lastWriteMs = now()
  // The buffer grows to the largest batch and is used for each: a batch is written before the next one is encoded.
  let buffer = Buffer.allocUnsafeSlow(64 * 1024)

  async function write(batch: readonly LaneEntry[], { isDurable } = { isDurable: false }): Promise<Origin[][]> {
    const nowMs = now()
    const bytes = batch.reduce((sum, entry) => sum + entry.bytes, 2 * sealBytesAtMost)
    if (buffer.length < bytes) buffer = Buffer.allocUnsafeSlow(Math.min(2 * bytes, bytes + maxSpareBytes))
    const target = segment && hasRoom(segment, bytes) ? segment : await nextSegment()
    const encoded = encode(batch, { buffer, seed: target.seed, numbering, nowMs, startsHour: isLaterHour(nowMs) })
    await target.file.write(buffer, { bytes: encoded.bytes, offset: target.offset, isDurable })
    // A failure ends the epoch, so that its numbers are not used again.
    target.offset += encoded.bytes
    numbering = encoded.numbering
    lastWriteMs = Math.max(lastWriteMs, nowMs)
    return encoded.origins
  }

  const hasRoom = ({ offset }: OpenSegment, bytes: number) => offset === segmentHeaderBytes || offset + bytes <= segmentBytes

  async function nextSegment(): Promise<OpenSegment> {
    await complete()
    const id = { writerId, lane, epoch, firstSeq: numbering.nextSeq }
    const fd = await createSegment({ dir, id, unsealedFrom: numbering.unsealedFrom, createdAtMs: now(), disk })
    const file = await openSegmentFile({ path: segmentPath(dir, id), fd, maxBytes: segmentBytes, disk })
    segment = { id, file, offset: segmentHeaderBytes, seed: segmentSeed(id) }
    return segment
  }

  async function complete(): Promise<void> {
    if (!segment) return
    const { id, file, offset: endOffset } = segment
    const { nextSeq, unsealedFrom } = numbering
    await file.trim(endOffset)
    await completeSegment({ id, fd: file.fd, disk, completion: { lastSeq: nextSeq - 1, endOffset, unsealedFrom } })
    await close()
  }

  async function close(): Promise<void> {
    const file = segment?.file
    segment = undefined
    await file?.close()
  }

  const isLaterHour = (nowMs: number) => Math.floor(nowMs / hourMs) > Math.floor(lastWriteMs / hourMs)

  return {
    write,
    complete,
    close,
    position: () => segment && { epoch, segment: segment.id.firstSeq, offset: segment.offset, seq: numbering.nextSeq - 1 },
    lastSeq: () => numbering.nextSeq - 1,
    saidThrough: () => numbering.saidThrough,
    hourNeedsSeal: () => numbering.unsealedFrom < numbering.nextSeq && isLaterHour(now()),
  }
}

type Encoding = { buffer: Buffer; seed: number; numbering: Numbering; nowMs: number; startsHour: boolean }
type EncodedBatch = { bytes: number; origins: Origin[][]; numbering: Numbering }

/** Puts a batch at the front of the buffer and says how numbering goes on behind it. */
function createBatchEncoder(options: Pick<SegmentSinkOptions, 'writerId' | 'lane' | 'epoch' | 'settlement'>) {
  const { writerId, lane, epoch, settlement } = options
  return (batch: readonly LaneEntry[], { buffer, seed, numbering, nowMs, startsHour }: Encoding): EncodedBatch => {
    let { nextSeq, unsealedFrom, saidThrough } = numbering
    let bytes = 0
    const put = (record: RecordInput) => {
      bytes = writeRecord(buffer, bytes, record, seed)
      nextSeq += 1
      saidThrough = record.settledThrough ?? saidThrough
    }
    const putSeal = (reason: Seal['reason']) => {
      if (unsealedFrom === nextSeq) return
      const settledThrough = settlement?.through(nextSeq)
      put(sealRecord({ writerId, epoch, lane, unsealedFrom, seq: nextSeq, nowMs, reason, settledThrough }))
      unsealedFrom = nextSeq
    }
    if (startsHour) putSeal('hour')
    const origins = batch.map(({ records, seal }) => {
      const own = records.map(({ kind, id, payload, awaitsFate }) => {
        const seq = nextSeq
        if (awaitsFate === true) settlement?.open(seq)
        put({ seq, kind, id, payload, appendedAtMs: nowMs, settledThrough: settlement?.through(seq) })
        return { writer_id: writerId, epoch, lane, seq }
      })
      if (seal) putSeal(seal)
      return own
    })
    return { bytes, origins, numbering: { nextSeq, unsealedFrom, saidThrough } }
  }
}
