import type { Lane, Origin } from '../../../contracts/origin.ts'
import type { LogRecord } from '../../event-log/event-log.ts'
import { closeFile, openIfThere, statFile } from '../format/outbox-files.ts'
import { lastSeqOf, readSegmentHeader } from '../format/segment-files.ts'
import type { DecodedRecord, SegmentId } from '../format/segment-format.ts'
import { compareSegments, listSegments, segmentPath } from '../format/segment-names.ts'
import { readSlots, type LogPosition } from '../format/slot-file.ts'
import { createSegmentReader, type SegmentReader } from './segment-reader.ts'

/** Records that are on disk no more or not whole, from `fromSeq` on; `toSeq` is missing where nothing tells how many. */
export type LogDamage = { writerId: string; lane: Lane; epoch: number; fromSeq: number; toSeq?: number }

export type ReadRecord = { record: LogRecord; position: LogPosition }

/** Reads one lane of one writer from behind `start` up to what the writer has published as durable. Not for concurrent use. */
export type LaneReader = {
  /** Reads at least one record if there is one, then as many as the budget allows. */
  read(budget: { records: number; bytes: number }): Promise<ReadRecord[]>
  close(): Promise<void>
}

export function createLaneReader(options: {
  dir: string
  writerId: string
  lane: Lane
  start: LogPosition | undefined
  positionFd: number
  onDamage: (damage: LogDamage) => void
}): LaneReader {
  const { dir, writerId, lane, start, positionFd, onDamage } = options
  let segment: SegmentReader | undefined
  let last: Pick<SegmentId, 'epoch' | 'firstSeq'> | undefined
  let epoch = start?.epoch ?? 0
  let nextSeq = (start?.seq ?? 0) + 1
  const isDelivered = (seq: number) => epoch === start?.epoch && seq <= start.seq

  async function read(budget: { records: number; bytes: number }): Promise<ReadRecord[]> {
    const published = await readSlots(positionFd)
    const out: ReadRecord[] = []
    if (published === undefined) return out
    try {
      await readInto(out, { ...budget }, published)
    } catch (error) {
      // Records that were read count as delivered, so they must arrive; the fault shows again at the next call.
      if (out.length === 0) throw error
    }
    return out
  }

  async function readInto(out: ReadRecord[], left: { records: number; bytes: number }, published: LogPosition): Promise<void> {
    while (left.records > 0 && left.bytes > 0) {
      segment ??= await openNext(published)
      if (segment === undefined) break
      const isOld = compareSegments(segment.id, { epoch: published.epoch, firstSeq: published.segment }) < 0
      const limit = isOld ? await endOf(segment) : published.offset
      takeFrom(segment, left, out)
      if (left.records <= 0 || left.bytes <= 0 || (await segment.refill(limit))) continue
      if (!isOld) break
      await leave(segment)
    }
  }

  function takeFrom(from: SegmentReader, left: { records: number; bytes: number }, out: ReadRecord[]): void {
    while (left.records > 0 && left.bytes > 0) {
      const decoded = from.peek()
      if (decoded === undefined) return
      const { seq, payload } = decoded
      // A large record waits for the next call rather than overfill this one.
      if (out.length > 0 && payload.length > left.bytes) {
        left.bytes = 0
        return
      }
      const missedFrom = from.nextSeq()
      const offset = from.pass(decoded)
      if (seq > missedFrom) report(missedFrom, seq - 1)
      if (isDelivered(seq)) continue
      const origin = { writer_id: writerId, epoch, lane, seq }
      out.push({ record: toLogRecord(origin, decoded), position: { epoch, segment: from.id.firstSeq, offset, seq } })
      left.records -= 1
      left.bytes -= payload.length
    }
  }

  function report(fromSeq: number, toSeq: number | undefined): void {
    if (toSeq !== undefined && isDelivered(toSeq)) return
    onDamage({ writerId, lane, epoch, fromSeq, ...(toSeq === undefined ? {} : { toSeq }) })
  }

  /** The next segment with anything published in it, or undefined. */
  async function openNext(published: LogPosition): Promise<SegmentReader | undefined> {
    const segments = (await listSegments(dir, { writerId, lane })).filter(
      (id) => compareSegments(id, { epoch: published.epoch, firstSeq: published.segment }) <= 0,
    )
    const id = last === undefined ? firstToRead(segments, start) : segments.find(isBehind(last))
    const fd = id && (await openIfThere(segmentPath(dir, id)))
    return id === undefined || fd === undefined ? undefined : enter(id, fd)
  }

  function enter(id: SegmentId, fd: number): SegmentReader {
    const isFirst = last === undefined
    const resumed = isFirst && id.epoch === start?.epoch && id.firstSeq === start.segment
    if (id.epoch !== epoch) nextSeq = start === undefined && isFirst ? id.firstSeq : 1
    else if (isFirst && !resumed) nextSeq = Math.min(nextSeq, id.firstSeq)
    epoch = id.epoch
    last = id
    return createSegmentReader({ id, fd, nextSeq, resumeAt: resumed ? start.offset : undefined })
  }

  async function endOf({ id, fd }: SegmentReader): Promise<number> {
    return (await readSegmentHeader(dir, id))?.completion?.endOffset ?? (await statFile(fd)).size
  }

  async function leave(from: SegmentReader): Promise<void> {
    const segments = await listSegments(dir, { writerId, lane })
    const lastSeq = await lastSeqOf(
      from.id,
      segments.find((id) => compareSegments(id, from.id) > 0),
      dir,
    )
    nextSeq = from.nextSeq()
    if (lastSeq !== undefined && nextSeq <= lastSeq) report(nextSeq, lastSeq)
    else if (lastSeq === undefined && from.isStuck()) report(nextSeq, undefined)
    if (lastSeq !== undefined) nextSeq = Math.max(nextSeq, lastSeq + 1)
    await closeFile(from.fd)
    segment = undefined
  }

  return {
    read,
    async close() {
      if (segment) await closeFile(segment.fd)
      segment = undefined
      await closeFile(positionFd)
    },
  }
}

export function toLogRecord(origin: Origin, { kind, id, appendedAtMs, settledThrough, payload }: DecodedRecord): LogRecord {
  const record = { origin, kind, id, appendedAtMs, payload }
  return settledThrough === undefined ? record : { ...record, settledThrough }
}

/** The segment that holds the record behind `start`, or the next one there is. */
function firstToRead(segments: SegmentId[], start: LogPosition | undefined): SegmentId | undefined {
  if (start === undefined) return segments[0]
  const holding = segments.findLast(({ epoch, firstSeq }) => epoch === start.epoch && firstSeq <= start.seq + 1)
  return holding ?? segments.find((id) => compareSegments(id, { epoch: start.epoch, firstSeq: start.seq }) > 0)
}

function isBehind(other: Pick<SegmentId, 'epoch' | 'firstSeq'>): (id: SegmentId) => boolean {
  return (id) => compareSegments(id, other) > 0
}
