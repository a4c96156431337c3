import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ServiceError } from '../../../contracts/errors.ts'
import type { Lane, Origin, Seal } from '../../../contracts/origin.ts'
import type { AppendInput, Durability, LaneSettlement } from '../../event-log/event-log.ts'
import type { OutboxDisk } from '../format/outbox-files.ts'
import { encodedRecordBytes, maxRecordBytes } from '../format/segment-format.ts'
import { laneDirectory, positionFileName } from '../format/segment-names.ts'
import { openSlotFile, type LogPosition } from '../format/slot-file.ts'
import { createCommitQueue, type QueuedEntry } from './commit-queue.ts'
import type { LaneEnd } from './lane-recovery.ts'
import { createSegmentSink, sealBytesAtMost } from './segment-sink.ts'
import { createSettlement } from './settlement.ts'

export type LaneWriterOptions = {
  dir: string
  writerId: string
  lane: Lane
  epoch: number
  segmentBytes: number
  maxQueuedBytes: number
  disk: OutboxDisk
  now: () => number
  /** Called once, with the error that makes this lane's file unusable; by then all waiting appends have been rejected. */
  onFailure: (error: unknown) => void
}

/** Writes one lane in one epoch. Not usable after `finish` or `abandon`. */
export type LaneWriter = {
  append(records: readonly AppendInput[], durability: Durability): Promise<Origin[]>
  /** Writes a seal for unsealed records when the UTC hour is another than that of the last commit. */
  sealHour(): Promise<void>
  /** Waits for what is under way, seals, completes the segment and closes. */
  finish(): Promise<void>
  /** Ends the lane after a failure: rejects what waits, closes, and says up to where records were acknowledged and their fates known. */
  abandon(): Promise<LaneEnd>
  /** The last acknowledged position; undefined before the epoch's first record in this lane. */
  acknowledged(): LogPosition | undefined
  lastSeq(): number
  /** Tells that the fate of a record is known. False once the lane has ended. */
  settle(seq: number): boolean
  settlement(): LaneSettlement
}

/** The lane whose records are answers to somebody, who is told or not. */
const settledLane: Lane = 'predictions'
const maxIdBytes = 1024
/** The least time between two positions: each takes a thread's turn here, and wakes every reader. */
const publishEveryMs = 5

export async function createLaneWriter(options: LaneWriterOptions): Promise<LaneWriter> {
  const { dir, lane } = options
  const positionFile = await openSlotFile({ path: join(laneDirectory(dir, options), positionFileName), disk: options.disk })
  const settlement = lane === settledLane ? createSettlement() : undefined
  const sink = createSegmentSink({ ...options, settlement })
  const queue = createCommitQueue({ ...options, commit })
  let acknowledged: LogPosition | undefined
  let publishing: Promise<void> | undefined
  let hasEnded = false

  async function commit(batch: readonly QueuedEntry[]): Promise<void> {
    const origins = await sink.write(batch, { isDurable: batch.some((entry) => entry.durability === 'disk') })
    acknowledged = sink.position()
    for (const [index, entry] of batch.entries()) entry.resolve(origins[index] ?? [])
    publishing ??= publish()
  }

  /** Tells readers how far they may go. Appends do not wait for it, and one write stands for all that came within some milliseconds. */
  async function publish(): Promise<void> {
    let published: LogPosition | undefined
    try {
      while (acknowledged !== undefined && acknowledged !== published) {
        const position = acknowledged
        await positionFile.write(position, { sync: false })
        published = position
        await sleep(publishEveryMs)
      }
    } catch (error) {
      queue.fail(error)
    } finally {
      publishing = undefined
    }
  }

  const seal = (reason: Seal['reason']) => queue.add({ records: [], seal: reason, durability: 'disk', bytes: sealBytesAtMost })

  return {
    append(records, durability) {
      const bytes = sizeOf(records)
      if (bytes === undefined) return Promise.reject(tooLarge())
      return records.length === 0 ? Promise.resolve([]) : queue.add({ records, seal: undefined, durability, bytes })
    },
    async sealHour() {
      if (sink.hourNeedsSeal()) await seal('hour')
    },
    async finish() {
      if (sink.position() || queue.running()) await seal('close')
      await queue.running()
      await sink.complete()
      await publishing
      await positionFile.close()
    },
    async abandon() {
      queue.fail(new Error('The epoch has ended.'))
      await queue.running()
      await publishing
      await sink.close()
      await positionFile.close()
      hasEnded = true
      return { acknowledged, settledThrough: settlement?.through(acknowledged?.seq ?? 0) }
    },
    acknowledged: () => acknowledged,
    lastSeq: sink.lastSeq,
    settle(seq) {
      if (hasEnded) return false
      settlement?.settle(seq)
      return true
    },
    settlement: () => ({ through: settlement?.through(sink.lastSeq()) ?? 0, said: sink.saidThrough(), last: sink.lastSeq() }),
  }
}

/** The most bytes that the records take in a segment; undefined when one of them is too large for any. */
function sizeOf(records: readonly AppendInput[]): number | undefined {
  let sum = 0
  for (const { id, payload } of records) {
    const bytes = encodedRecordBytes({ id, payload, settledThrough: 0 })
    if (bytes > maxRecordBytes || Buffer.byteLength(id) > maxIdBytes) return undefined
    sum += bytes
  }
  return sum
}

function tooLarge(): ServiceError {
  const message = `A record of the event log holds at most ${maxRecordBytes} bytes, its id ${maxIdBytes}.`
  return new ServiceError('event_too_large', message)
}
