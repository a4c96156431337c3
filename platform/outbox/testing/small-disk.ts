import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'vitest'

export type SmallDisk = {
  dir: string
  /** Takes all space, so that no byte is free. */
  fill(): Promise<void>
  /** Gives back what `fill` took. */
  empty(): Promise<void>
  unmount(): Promise<void>
}

const { runIf } = describe
const reason = whyNot()
if (reason !== undefined) process.stderr.write(`tests on a disk that is full are skipped: ${reason}\n`)

/** Describes tests that are skipped where a tmpfs cannot be mounted, which takes Linux and root. */
export const describeWithSmallDisk = runIf(reason === undefined)

/** Mounts a file system of its own of so many KiB on `dir`, or on a new folder. */
export function mountSmallDisk(kibibytes: number, dir: string = mkdtempSync(join(tmpdir(), 'hindsight-disk-'))): SmallDisk {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kibibytes}k`, 'tmpfs', dir])
  const filler = join(dir, 'filler')
  return {
    dir,
    async fill() {
      const isFull = (error: NodeJS.ErrnoException) => error.code === 'ENOSPC'
      // The write is twice what the disk holds, and ends where the disk does.
      await writeFile(filler, Buffer.alloc(2 * kibibytes * 1024)).catch((error: NodeJS.ErrnoException) => {
        if (!isFull(error)) throw error
      })
    },
    empty: () => rm(filler),
    async unmount() {
      execFileSync('umount', ['-l', dir])
      await rm(dir, { recursive: true, force: true })
    },
  }
}

function whyNot(): string | undefined {
  const dir = mkdtempSync(join(tmpdir(), 'hindsight-disk-'))
  try {
    const { status, error, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', dir])
    if (error !== undefined) return error.message
    if (status !== 0) return String(stderr).trim()
    execFileSync('umount', [dir])
    return undefined
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
