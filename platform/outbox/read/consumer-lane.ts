import { stat } from 'node:fs/promises'
import { ServiceError } from '../../../contracts/errors.ts'
import type { Lane, Origin } from '../../../contracts/origin.ts'
import { cursorPath } from '../format/cursor-files.ts'
import { createDeliveredRecords, type DeliveredRecord } from './delivered-records.ts'
import type { ConsumerLag, LogRecord } from '../../event-log/event-log.ts'
import { measureLag } from './lane-lag.ts'
import { createLaneReader, toLogRecord, type LogDamage } from './lane-reader.ts'
import { closeFile, openIfThere, readAt, statFile, withFile } from '../format/outbox-files.ts'
import { decodeRecord, encodedRecordBytes, segmentSeed } from '../format/segment-format.ts'
import { isMissing, laneDirectory, positionPath, segmentPath } from '../format/segment-names.ts'
import { openSlotFile, readSlots, type LogPosition, type SlotFile } from '../format/slot-file.ts'
import type { Wakeup } from './wakeup.ts'

/** A writer's lane as one durable consumer reads and confirms it. */
export type ConsumerLane = {
  read(budget: { records: number; bytes: number }): Promise<LogRecord[]>
  confirm(origin: Origin): void
  /** Reads a delivered, unconfirmed record from the disk once more; undefined when it cannot be read. */
  reread(origin: Origin): Promise<LogRecord | undefined>
  /** Resolves when all earlier confirmations are on disk. */
  save(): Promise<void>
  lag(): Promise<ConsumerLag>
  /** False when the writer's directory has been removed, or made anew. */
  isThere(): Promise<boolean>
  close(): Promise<void>
}

export type ConsumerLaneOptions = {
  dir: string
  writerId: string
  lane: Lane
  consumer: string
  wakeup: Wakeup
  onDamage: (damage: LogDamage) => void
}

/** Opens a lane for a consumer; undefined while the writer has not made the lane's files. */
export async function createConsumerLane(options: ConsumerLaneOptions): Promise<ConsumerLane | undefined> {
  const { dir, writerId, lane, consumer, wakeup, onDamage } = options
  const place = { writerId, lane }
  const path = positionPath(dir, place)
  const positionFd = await openIfThere(path)
  if (positionFd === undefined) return undefined
  const inode = (await statFile(positionFd)).ino
  const opened = await openCursor(cursorPath(laneDirectory(dir, place), consumer), positionFd)
  if (opened === undefined) return undefined
  const cursorFile: SlotFile = opened
  const start = cursorFile.last()
  const delivered = createDeliveredRecords(start)
  const reader = createLaneReader({ dir, ...place, start, positionFd, onDamage })
  const stopWatching = wakeup.watch(path)
  let saving: Promise<void> = Promise.resolve()

  async function saveLatest(): Promise<void> {
    const through = delivered.confirmedThrough()
    if (through === undefined || through === cursorFile.last()) return
    try {
      await cursorFile.write(through, { sync: true })
    } catch (error) {
      throw new ServiceError('outbox_unavailable', `The cursor of ${consumer} cannot be written.`, { cause: error })
    }
  }

  return {
    async read(budget) {
      const read = await reader.read(budget)
      for (const { record, position } of read) delivered.add(toDelivered(record, position))
      return read.map(({ record }) => record)
    },
    confirm: ({ epoch, seq }) => delivered.confirm(epoch, seq),
    async reread(origin) {
      const found = delivered.find(origin.epoch, origin.seq)
      return found && readDelivered(dir, origin, found)
    },
    save() {
      // Saves run one behind the other, and one that finds nothing new to write has been served by the one before it.
      saving = saving.catch(() => undefined).then(saveLatest)
      return saving
    },
    async lag() {
      const cursor = delivered.confirmedThrough()
      return { ...place, ...(await measureLag({ dir, ...place, published: await withFile(path, 'r', readSlots), cursor })) }
    },
    async isThere() {
      try {
        return (await stat(path)).ino === inode
      } catch (error) {
        if (isMissing(error)) return false
        throw error
      }
    },
    async close() {
      stopWatching()
      await saving.catch(() => undefined)
      await cursorFile.close()
      await reader.close()
    },
  }
}

function toDelivered(record: LogRecord, position: LogPosition): DeliveredRecord {
  return { position, bytes: encodedRecordBytes(record), appendedAtMs: record.appendedAtMs }
}

async function readDelivered(dir: string, origin: Origin, { position, bytes }: DeliveredRecord): Promise<LogRecord | undefined> {
  const segment = { writerId: origin.writer_id, lane: origin.lane, epoch: origin.epoch, firstSeq: position.segment }
  const buffer = await withFile(segmentPath(dir, segment), 'r', (fd) => readAt(fd, position.offset - bytes, bytes))
  const record = buffer && decodeRecord(buffer, 0, segmentSeed(segment))
  return record && toLogRecord(origin, record)
}

/** Opens the consumer's cursor; undefined when the outbox is being removed at this moment. */
async function openCursor(path: string, positionFd: number): Promise<SlotFile | undefined> {
  try {
    return await openSlotFile({ path })
  } catch (error) {
    await closeFile(positionFd)
    if (isMissing(error)) return undefined
    throw error
  }
}
