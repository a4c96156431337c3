import { statfs } from 'node:fs/promises'
import { EngineError } from './engine-error.ts'

const mebibyte = 1024 ** 2

/** The bytes that must be free when a statement begins, for those that are under way: a write without space costs the engine its start (`write-watch.ts`). */
export const keptFree = { forWrites: 64 * mebibyte, forReads: 8 * mebibyte }

/** Verbs of statements that read; they too need space, because a result passes through a file. */
const reads = new Set(['SELECT', 'WITH', 'FROM', 'SHOW', 'DESCRIBE', 'DESC', 'EXISTS', 'EXPLAIN', 'CHECK'])
/** Verbs of statements that free space or write nothing, and so run on a full disk. */
const always = new Set(['DROP', 'TRUNCATE', 'KILL', 'SYSTEM', 'SET', 'USE'])

export type DiskReserve = {
  /** Throws NOT_ENOUGH_SPACE, which is 503 with Retry-After, where less is free than a statement of this verb leaves. */
  require(verb: string): Promise<void>
}

export function createDiskReserve(freeBytes: () => Promise<number>): DiskReserve {
  return {
    async require(verb) {
      if (always.has(verb)) return
      const free = await freeBytes()
      const kept = reads.has(verb) ? keptFree.forReads : keptFree.forWrites
      if (free >= kept) return
      throw new EngineError(
        243,
        'NOT_ENOUGH_SPACE',
        `The disk of the warehouse has ${Math.floor(free / mebibyte)} MiB left; ${verb} needs ${kept / mebibyte} MiB to be free`,
      )
    },
  }
}

/** The bytes that a process may still write to the file system of `path`. */
export async function freeBytesOf(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path)
  return bavail * bsize
}
