import * as fs from 'node:fs'
import { unlink } from 'node:fs/promises'
import { promisify } from 'node:util'
import { isMissing } from './segment-names.ts'

// Files are used by descriptor and not as FileHandles, which close themselves when they are collected.
export const openFile = promisify(fs.open)
export const closeFile = promisify(fs.close)
export const truncateFile = promisify(fs.ftruncate)
export const statFile = promisify(fs.fstat)

/** The calls that make records durable: a seam where a test lets a disk fail. */
export type OutboxDisk = {
  /** Writes the first `bytes` of the buffer at `position`, whole. */
  write(fd: number, buffer: Buffer, bytes: number, position: number): Promise<void>
  datasync(fd: number): Promise<void>
  /** Opens the file so that what is written is on disk when `write` resolves; left out where that is not sure. */
  openThrough?(path: string): Promise<number>
}

export const nodeDisk: OutboxDisk = {
  write: (fd, buffer, bytes, position) =>
    new Promise((resolve, reject) => {
      const next = (done: number) => {
        fs.write(fd, buffer, done, bytes - done, position + done, (error, written) => {
          if (error) reject(error)
          else if (done + written >= bytes) resolve()
          else next(done + written)
        })
      }
      next(0)
    }),
  datasync: promisify(fs.fdatasync),
  // Other systems may leave what O_DSYNC wrote in the disk's own cache.
  ...(process.platform === 'linux' && { openThrough: (path) => openFile(path, fs.constants.O_WRONLY | fs.constants.O_DSYNC) }),
}

/** Reads up to `bytes` at `position` into a buffer of its own; shorter at the end of the file. */
export async function readAt(fd: number, position: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(bytes)
  let done = 0
  while (done < bytes) {
    const read = await readOnce(fd, buffer, done, position + done)
    if (read === 0) break
    done += read
  }
  return buffer.subarray(0, done)
}

function readOnce(fd: number, buffer: Buffer, offset: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(fd, buffer, offset, buffer.length - offset, position, (error, read) => (error ? reject(error) : resolve(read)))
  })
}

/** Opens for reading; undefined when the file is not there (any more). */
export async function openIfThere(path: string, flags = 'r'): Promise<number | undefined> {
  try {
    return await openFile(path, flags)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Uses a file while it is open and closes it whatever happens; undefined when it is not there. */
export async function withFile<T>(path: string, flags: string, use: (fd: number) => Promise<T>): Promise<T | undefined> {
  const fd = await openIfThere(path, flags)
  if (fd === undefined) return undefined
  try {
    return await use(fd)
  } finally {
    await closeFile(fd)
  }
}

export async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}
