import { join } from 'node:path'
import { ServiceError } from '../../../contracts/errors.ts'
import type { Lane, Origin, Seal } from '../../../contracts/origin.ts'
import type { AppendInput, Durability, LaneSettlement } from '../../event-log/event-log.ts'
import type { LaneEnd } from './lane-recovery.ts'
import { sealRecord } from '../format/seal-record.ts'
import {
  encodedRecordBytes,
  maxRecordBytes,
  segmentHeaderBytes,
  segmentSeed,
  writeRecord,
  type RecordInput,
  type SegmentId,
} from '../format/segment-format.ts'
import { createSegment, completeSegment } from '../format/segment-files.ts'
import { createSettlement } from './settlement.ts'
import { closeFile, type OutboxDisk } from '../format/outbox-files.ts'
import { laneDirectory, positionFileName } from '../format/segment-names.ts'
import { openSlotFile, type LogPosition } from '../format/slot-file.ts'

export type LaneWriterOptions = {
  dir: string
  writerId: string
  lane: Lane
  epoch: number
  segmentBytes: number
  maxQueuedBytes: number
  disk: OutboxDisk
  now: () => number
  /** Called once, with the error that makes this lane's file unusable; by then all that waited has been rejected. */
  onFailure: (error: unknown) => void
}

/** One lane in one epoch. Not usable after `finish` or `abandon`. */
export type LaneWriter = {
  append(records: readonly AppendInput[], durability: Durability): Promise<Origin[]>
  /** Seals what is not sealed when the UTC hour is another than that of the last commit. */
  sealHour(): Promise<void>
  /** Waits for what is under way, seals, completes the segment and closes. */
  finish(): Promise<void>
  /** After a failure: rejects what waits, closes, and says up to where records were acknowledged and their fates known. */
  abandon(): Promise<LaneEnd>
  /** The last acknowledged position; undefined before the epoch's first record in this lane. */
  acknowledged(): LogPosition | undefined
  lastSeq(): number
  /** The fate of this record is known. False once the lane has ended. */
  settle(seq: number): boolean
  settlement(): LaneSettlement
}

type Entry = {
  records: readonly AppendInput[]
  seal: Seal['reason'] | undefined
  durability: Durability
  bytes: number
  resolve: (origins: Origin[]) => void
  reject: (error: unknown) => void
}

type OpenSegment = { id: SegmentId; fd: number; offset: number; seed: number }

const hourMs = 3_600_000
/** What one write holds at most: far above what gathers during an fdatasync, and small enough to stay in memory at once. */
const maxCommitBytes = 4 * 1024 * 1024
const sealBytesAtMost = 1024
/** Whose records are answers to somebody. */
const settledLane: Lane = 'predictions'

export async function createLaneWriter(options: LaneWriterOptions): Promise<LaneWriter> {
  const { dir, writerId, lane, epoch, segmentBytes, maxQueuedBytes, disk, now, onFailure } = options
  const directory = laneDirectory(dir, { writerId, lane })
  const positionFile = await openSlotFile({ path: join(directory, positionFileName), disk })

  let segment: OpenSegment | undefined
  let nextSeq = 1
  let unsealedFrom = 1
  let lastCommitMs = now()
  let acknowledged: LogPosition | undefined
  let failure: ServiceError | undefined
  let hasEnded = false
  const settlement = lane === settledLane ? createSettlement() : undefined
  let saidThrough = 0

  let queue: Entry[] = []
  let queuedBytes = 0
  let running: Promise<void> | undefined
  let publishing: Promise<void> | undefined
  let published: LogPosition | undefined
  // Grows to the largest commit and is used for each: a commit is written before the next one is encoded.
  let buffer = Buffer.allocUnsafeSlow(64 * 1024)

  function enqueue({ records, seal, durability, bytes }: Omit<Entry, 'resolve' | 'reject'>): Promise<Origin[]> {
    if (failure) return Promise.reject(failure)
    if (queuedBytes + bytes > maxQueuedBytes) return Promise.reject(full(lane))
    return new Promise((resolve, reject) => {
      queue.push({ records, seal, durability, bytes, resolve, reject })
      queuedBytes += bytes
      // A microtask later, so that appends of the same turn share the commit.
      running ??= Promise.resolve().then(drainQueue)
    })
  }

  async function drainQueue(): Promise<void> {
    while (queue.length > 0) {
      const batch = takeBatch()
      try {
        await commit(batch)
      } catch (error) {
        fail(error, batch)
      }
    }
    running = undefined
  }

  function takeBatch(): Entry[] {
    let bytes = 0
    let count = 0
    for (const entry of queue) {
      if (count > 0 && bytes + entry.bytes > maxCommitBytes) break
      bytes += entry.bytes
      count += 1
    }
    queuedBytes -= bytes
    const batch = count === queue.length ? queue : queue.slice(0, count)
    queue = count === queue.length ? [] : queue.slice(count)
    return batch
  }

  async function commit(batch: Entry[]): Promise<void> {
    const nowMs = now()
    const target = await segmentFor(batch.reduce((sum, entry) => sum + entry.bytes, 2 * sealBytesAtMost))
    const encoded = encode(batch, target, nowMs)
    await disk.write(target.fd, buffer, encoded.bytes, target.offset)
    // From here on the numbers are used, whether or not the records become durable: a failure ends the epoch.
    target.offset += encoded.bytes
    nextSeq = encoded.nextSeq
    unsealedFrom = encoded.unsealedFrom
    lastCommitMs = Math.max(lastCommitMs, nowMs)
    saidThrough = encoded.settledThrough ?? saidThrough
    settle(batch, encoded.origins, 'process')
    if (batch.some((entry) => entry.durability === 'disk')) await disk.datasync(target.fd)
    settle(batch, encoded.origins, 'disk')
    publish()
  }

  function encode(batch: Entry[], target: OpenSegment, nowMs: number) {
    let offset = 0
    let seq = nextSeq
    let unsealed = unsealedFrom
    let settledThrough: number | undefined
    const put = (record: RecordInput) => {
      offset = writeRecord(buffer, offset, record, target.seed)
      seq += 1
      settledThrough = record.settledThrough
    }
    const putSeal = (reason: Seal['reason']) => {
      if (unsealed === seq) return
      put(sealRecord({ writerId, epoch, lane, unsealedFrom: unsealed, seq, nowMs, reason, settledThrough: settlement?.through(seq) }))
      unsealed = seq
    }
    if (Math.floor(nowMs / hourMs) > Math.floor(lastCommitMs / hourMs)) putSeal('hour')
    const origins = batch.map((entry) => {
      const own = entry.records.map(({ kind, id, payload, awaitsFate }) => {
        if (awaitsFate === true) settlement?.open(seq)
        put({ seq, kind, id, payload, appendedAtMs: nowMs, settledThrough: settlement?.through(seq) })
        return { writer_id: writerId, epoch, lane, seq: seq - 1 }
      })
      if (entry.seal) putSeal(entry.seal)
      return own
    })
    return { bytes: offset, nextSeq: seq, unsealedFrom: unsealed, origins, settledThrough }
  }

  function settle(batch: Entry[], origins: Origin[][], durability: Durability): void {
    batch.forEach((entry, index) => {
      if (entry.durability !== durability) return
      entry.resolve(origins[index] ?? [])
      const last = origins[index]?.at(-1)?.seq
      if (last !== undefined || entry.seal) acknowledge()
    })
  }

  /** Acknowledging any record of a commit keeps the whole commit: what stands before it in the file must stay. */
  function acknowledge(): void {
    if (segment) acknowledged = { epoch, segment: segment.id.firstSeq, offset: segment.offset, seq: nextSeq - 1 }
  }

  /** The segment to write into, and a buffer that holds the commit. */
  async function segmentFor(bytes: number): Promise<OpenSegment> {
    if (buffer.length < bytes) buffer = Buffer.allocUnsafeSlow(Math.min(2 * bytes, bytes + maxCommitBytes))
    if (segment && segment.offset > segmentHeaderBytes && segment.offset + bytes > segmentBytes) await completeCurrent()
    segment ??= await startSegment()
    return segment
  }

  async function startSegment(): Promise<OpenSegment> {
    const id = { writerId, lane, epoch, firstSeq: nextSeq }
    const fd = await createSegment({ dir, id, unsealedFrom, createdAtMs: now(), disk })
    return { id, fd, offset: segmentHeaderBytes, seed: segmentSeed(id) }
  }

  async function completeCurrent(): Promise<void> {
    if (!segment) return
    const { id, fd, offset } = segment
    await completeSegment({ id, fd, disk, completion: { lastSeq: nextSeq - 1, endOffset: offset, unsealedFrom } })
    segment = undefined
    await closeFile(fd)
  }

  /** Tells readers how far they may go. Not waited for by appends, and one write stands for all that came meanwhile. */
  function publish(): void {
    publishing ??= Promise.resolve().then(publishLatest)
  }

  async function publishLatest(): Promise<void> {
    try {
      while (!failure && acknowledged !== undefined && acknowledged !== published) {
        const position = acknowledged
        await positionFile.write(position, { sync: false })
        published = position
      }
    } catch (error) {
      fail(error, [])
    } finally {
      publishing = undefined
    }
  }

  function fail(error: unknown, batch: Entry[]): void {
    const first = failure === undefined
    failure ??= new ServiceError('outbox_unavailable', `Lane ${lane} of the outbox cannot be written.`, { cause: error })
    for (const entry of [...batch, ...queue]) entry.reject(failure)
    queue = []
    queuedBytes = 0
    if (first) onFailure(error)
  }

  const seal = (reason: Seal['reason']) =>
    enqueue({ records: [], seal: reason, durability: 'disk', bytes: sealBytesAtMost }).then(() => undefined)

  return {
    async append(records, durability) {
      const bytes = records.reduce((sum, record) => sum + checkedBytes(record), 0)
      return records.length === 0 ? [] : enqueue({ records, seal: undefined, durability, bytes })
    },
    async sealHour() {
      if (unsealedFrom < nextSeq && Math.floor(now() / hourMs) > Math.floor(lastCommitMs / hourMs)) await seal('hour')
    },
    async finish() {
      if (segment || queue.length > 0 || running) await seal('close')
      await running
      await completeCurrent()
      await publishing
      await positionFile.close()
    },
    async abandon() {
      fail(new Error('The epoch has ended.'), [])
      await running
      await publishing
      if (segment) await closeFile(segment.fd)
      segment = undefined
      await positionFile.close()
      hasEnded = true
      return { acknowledged, settledThrough: settlement?.through(acknowledged?.seq ?? 0) }
    },
    acknowledged: () => acknowledged,
    lastSeq: () => nextSeq - 1,
    settle(seq) {
      if (hasEnded) return false
      settlement?.settle(seq)
      return true
    },
    settlement: () => ({ through: settlement?.through(nextSeq - 1) ?? 0, said: saidThrough, last: nextSeq - 1 }),
  }
}

function checkedBytes(record: AppendInput): number {
  const bytes = encodedRecordBytes({ ...record, settledThrough: 0 })
  if (bytes > maxRecordBytes || Buffer.byteLength(record.id) > 1024) {
    throw new ServiceError('event_too_large', `A record of the event log holds at most ${maxRecordBytes} bytes, its id 1024.`)
  }
  return bytes
}

function full(lane: Lane): ServiceError {
  return new ServiceError('outbox_unavailable', `Too much waits to be written in lane ${lane} of the outbox.`)
}
