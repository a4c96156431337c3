import { closeFile, truncateFile, type OutboxDisk } from '../format/outbox-files.ts'
import { segmentHeaderBytes } from '../format/segment-format.ts'
import { errnoOf } from '../format/segment-names.ts'

/**
 * The file of the segment that takes records. Where the disk can, zeros are put on it ahead of them: a write there
 * changes neither the file's size nor its blocks, so that one call makes it durable in half of the time of two.
 */
export type SegmentFile = {
  fd: number
  /** Writes; one call at a time. With `isDurable` it is on disk when the call resolves, with all that was written before; else in the page cache. */
  write(buffer: Buffer, options: { bytes: number; offset: number; isDurable: boolean }): Promise<void>
  /** Gives back the space behind the records, which end at `end`. */
  trim(end: number): Promise<void>
  close(): Promise<void>
}

/** The bytes that are made ready at once: large against what is written meanwhile, and small against what a disk has. */
const stepBytes = 1024 * 1024
const zeros = Buffer.alloc(stepBytes)

/** Opens the file `fd`, which has nothing but its header; no more than `maxBytes` of it are made ready ahead. */
export async function openSegmentFile(options: { path: string; fd: number; maxBytes: number; disk: OutboxDisk }): Promise<SegmentFile> {
  const { path, fd, maxBytes, disk } = options
  const throughFd = await disk.openThrough?.(path).catch(async (error: unknown) => {
    await closeFile(fd)
    throw error
  })
  let readyUntil = segmentHeaderBytes
  let preparing: Promise<void> | undefined
  let failure: { error: unknown } | undefined
  let isDiskFull = false
  let hasUnsynced = false

  /** Waits for space that is being made ready where a write up to `end` goes. */
  async function makeReady(end: number, isDurable: boolean): Promise<void> {
    const isShort = isDurable && end + stepBytes / 2 > readyUntil
    if (isShort && preparing === undefined && !isDiskFull && readyUntil < maxBytes)
      preparing = prepare(Math.min(stepBytes, maxBytes - readyUntil))
    if (end > readyUntil) await preparing
    if (failure !== undefined) throw failure.error
    readyUntil = Math.max(readyUntil, end)
  }

  /** Makes space ready ahead. Records do not need it, so a disk without space for it may still take some of them. */
  async function prepare(bytes: number): Promise<void> {
    try {
      await disk.write(fd, zeros, bytes, readyUntil)
      await disk.datasync(fd)
      readyUntil += bytes
    } catch (error) {
      if (errnoOf(error) === 'ENOSPC' || errnoOf(error) === 'EDQUOT') isDiskFull = true
      // A failed sync is told once, for it may have been that of records.
      else failure = { error }
    } finally {
      preparing = undefined
    }
  }

  return {
    fd,
    async write(buffer, { bytes, offset, isDurable }) {
      if (throughFd !== undefined) await makeReady(offset + bytes, isDurable)
      const isOneCall = isDurable && throughFd !== undefined && !hasUnsynced
      await disk.write(isOneCall ? throughFd : fd, buffer, bytes, offset)
      if (isDurable && !isOneCall) await disk.datasync(fd)
      hasUnsynced = !isDurable
    },
    async trim(end) {
      await preparing
      if (failure !== undefined) throw failure.error
      if (throughFd !== undefined) await truncateFile(fd, end)
    },
    async close() {
      await preparing
      if (throughFd !== undefined) await closeFile(throughFd)
      await closeFile(fd)
    },
  }
}
