import type { Lane, Origin } from '../../../contracts/origin.ts'
import type { LogRecord } from '../../event-log/event-log.ts'
import { closeFile, openIfThere, readAt, statFile } from '../format/outbox-files.ts'
import { lastSeqOf, readSegmentHeader } from '../format/segment-files.ts'
import {
  claimedRecordBytes,
  decodeRecord,
  type DecodedRecord,
  findRecord,
  segmentHeaderBytes,
  segmentSeed,
  type SegmentId,
} from '../format/segment-format.ts'
import { compareSegments, listSegments, segmentPath } from '../format/segment-names.ts'
import { readSlots, type LogPosition } from '../format/slot-file.ts'

/** Records that are on disk no more or not whole, from `fromSeq` on; `toSeq` is missing where nothing tells how many. */
export type LogDamage = { writerId: string; lane: Lane; epoch: number; fromSeq: number; toSeq?: number }

export type ReadRecord = { record: LogRecord; position: LogPosition }

/** Reads one lane of one writer from behind `start` up to what the writer has published as durable. Not for concurrent use. */
export type LaneReader = {
  /** At least one record if there is one, then as many as the budget allows. */
  read(budget: { records: number; bytes: number }): Promise<ReadRecord[]>
  close(): Promise<void>
}

type ReadPosition = {
  id: SegmentId
  fd: number
  seed: number
  offset: number
  chunk: Buffer
  chunkAt: number
  resumed: boolean
  stuckAt: number
}

/** One read call per this much: large against its cost, small against what a consumer holds of it. */
const chunkBytes = 1024 * 1024

export function createLaneReader(options: {
  dir: string
  writerId: string
  lane: Lane
  start: LogPosition | undefined
  positionFd: number
  onDamage: (damage: LogDamage) => void
}): LaneReader {
  const { dir, writerId, lane, start, positionFd, onDamage } = options
  let place: ReadPosition | undefined
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
      // What has been taken counts as delivered, so it must arrive; the fault shows again at the next call.
      if (out.length === 0) throw error
    }
    return out
  }

  async function readInto(out: ReadRecord[], left: { records: number; bytes: number }, published: LogPosition): Promise<void> {
    while (left.records > 0 && left.bytes > 0) {
      place ??= await openNext(published)
      if (place === undefined) break
      const isOld = compareSegments(place.id, { epoch: published.epoch, firstSeq: published.segment }) < 0
      const limit = isOld ? await endOf(place) : published.offset
      takeFromChunk(place, left, out)
      if (left.records <= 0 || left.bytes <= 0 || (await refill(place, limit))) continue
      if (!isOld) break
      await leave(place)
    }
  }

  function takeFromChunk(from: ReadPosition, left: { records: number; bytes: number }, out: ReadRecord[]): void {
    const { id, chunk, chunkAt, seed } = from
    while (left.records > 0 && left.bytes > 0) {
      const decoded = decodeRecord(chunk, from.offset - chunkAt, seed)
      if (decoded === undefined || decoded.seq < nextSeq) return
      const { seq, payload } = decoded
      // A large record waits for the next call rather than overfill this one.
      if (out.length > 0 && payload.length > left.bytes) {
        left.bytes = 0
        return
      }
      if (seq > nextSeq) report(nextSeq, seq - 1)
      nextSeq = seq + 1
      from.offset = chunkAt + decoded.end
      from.resumed = false
      if (isDelivered(seq)) continue
      const origin = { writer_id: writerId, epoch, lane, seq }
      const position = { epoch, segment: id.firstSeq, offset: from.offset, seq }
      out.push({ record: toLogRecord(origin, decoded), position })
      left.records -= 1
      left.bytes -= payload.length
    }
  }

  /** Brings a whole record to the start of the chunk; false when there is none below the limit. */
  async function refill(into: ReadPosition, limit: number): Promise<boolean> {
    if (into.resumed && into.offset > limit) rereadFromStart(into)
    if (into.offset >= limit || into.stuckAt === limit) return false
    await loadChunk(into, Math.min(limit - into.offset, chunkBytes))
    const claimed = claimedRecordBytes(into.chunk, 0) ?? 0
    if (claimed > into.chunk.length && into.offset + claimed <= limit) await loadChunk(into, claimed)
    if (isWhole(into, 0)) return true
    return skipDamage(into, limit)
  }

  async function loadChunk(into: ReadPosition, bytes: number): Promise<void> {
    into.chunk = await readAt(into.fd, into.offset, bytes)
    into.chunkAt = into.offset
  }

  function isWhole({ chunk, seed }: ReadPosition, offset: number): boolean {
    const record = decodeRecord(chunk, offset, seed)
    return record !== undefined && record.seq >= nextSeq
  }

  async function skipDamage(at: ReadPosition, limit: number): Promise<boolean> {
    if (at.resumed) {
      rereadFromStart(at)
      return refill(at, limit)
    }
    await loadChunk(at, limit - at.offset)
    const found = findRecord(at.chunk, 1, { minSeq: nextSeq, seed: at.seed })
    if (found === undefined) {
      at.stuckAt = limit
      return false
    }
    at.offset += found
    return true
  }

  /** The cursor's offset is no record's start: a power loss took what it pointed at. Its number still holds. */
  function rereadFromStart(at: ReadPosition): void {
    at.resumed = false
    at.offset = segmentHeaderBytes
    nextSeq = at.id.firstSeq
  }

  function report(fromSeq: number, toSeq: number | undefined): void {
    if (toSeq !== undefined && isDelivered(toSeq)) return
    onDamage({ writerId, lane, epoch, fromSeq, ...(toSeq === undefined ? {} : { toSeq }) })
  }

  /** The next segment with anything published in it, or undefined. */
  async function openNext(published: LogPosition): Promise<ReadPosition | undefined> {
    const segments = (await listSegments(dir, { writerId, lane })).filter(
      (id) => compareSegments(id, { epoch: published.epoch, firstSeq: published.segment }) <= 0,
    )
    const id = last === undefined ? firstToRead(segments, start) : segments.find(isBehind(last))
    const fd = id && (await openIfThere(segmentPath(dir, id)))
    return id === undefined || fd === undefined ? undefined : enter(id, fd)
  }

  function enter(id: SegmentId, fd: number): ReadPosition {
    const isFirst = last === undefined
    const resumed = isFirst && id.epoch === start?.epoch && id.firstSeq === start.segment
    if (id.epoch !== epoch) nextSeq = start === undefined && isFirst ? id.firstSeq : 1
    else if (isFirst && !resumed) nextSeq = Math.min(nextSeq, id.firstSeq)
    epoch = id.epoch
    last = id
    const offset = resumed ? start.offset : segmentHeaderBytes
    return { id, fd, seed: segmentSeed(id), offset, chunk: Buffer.alloc(0), chunkAt: offset, resumed, stuckAt: -1 }
  }

  async function endOf({ id, fd }: ReadPosition): Promise<number> {
    return (await readSegmentHeader(dir, id))?.completion?.endOffset ?? (await statFile(fd)).size
  }

  async function leave(from: ReadPosition): Promise<void> {
    const segments = await listSegments(dir, { writerId, lane })
    const lastSeq = await lastSeqOf(
      from.id,
      segments.find((id) => compareSegments(id, from.id) > 0),
      dir,
    )
    if (lastSeq !== undefined && nextSeq <= lastSeq) report(nextSeq, lastSeq)
    else if (lastSeq === undefined && from.stuckAt >= 0) report(nextSeq, undefined)
    if (lastSeq !== undefined) nextSeq = Math.max(nextSeq, lastSeq + 1)
    await closeFile(from.fd)
    place = undefined
  }

  return {
    read,
    async close() {
      if (place) await closeFile(place.fd)
      place = undefined
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

function isBehind(place: Pick<SegmentId, 'epoch' | 'firstSeq'>): (id: SegmentId) => boolean {
  return (id) => compareSegments(id, place) > 0
}
