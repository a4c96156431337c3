import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, fdatasyncSync, mkdirSync, openSync, rmSync, statfsSync, truncateSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { VolumeSpec } from './spec.ts'

export type Volume = {
  /** Loses everything that was not synced. Whoever has files open on it must have ended. */
  losePower(): void
  /** Takes all the space that is left, to within `leaveBytes`. */
  fill(leaveBytes?: number): void
  free(): void
  unmount(): void
}

/** Why such a volume cannot be made here; undefined where it can. */
export function whyNoVolumes(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux'
  if (process.getuid?.() !== 0) return 'needs root to mount file systems'
  const missing = ['mount', 'umount', 'mkfs.ext4', 'perl'].find((tool) => spawnSync(tool, ['--version']).error !== undefined)
  return missing === undefined ? undefined : `needs ${missing}`
}

/** Mounts a file system of its own at `path`, with its image, if it has one, beside it. */
export function mountVolume(path: string, { kind, megabytes }: VolumeSpec): Volume {
  const image = `${path}.img`
  mkdirSync(path, { recursive: true })
  if (kind === 'ext4') makeImage(image, megabytes)
  const mount = () =>
    kind === 'ext4' ? run('mount', ['-o', 'loop', image, path]) : run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path])
  mount()
  process.once('exit', unmount)
  const filler = join(path, 'filler')
  return {
    losePower() {
      if (kind !== 'ext4') throw new Error('a tmpfs has no power to lose')
      shutDown(path)
      run('umount', [path])
      mount()
    },
    fill: (leaveBytes = 0) => fillUp(filler, path, leaveBytes),
    free: () => rmSync(filler, { force: true }),
    unmount,
  }

  function unmount(): void {
    process.off('exit', unmount)
    run('umount', ['--lazy', path])
    rmSync(image, { force: true })
  }
}

function makeImage(image: string, megabytes: number): void {
  closeSync(openSync(image, 'w'))
  truncateSync(image, megabytes * 1024 * 1024)
  run('mkfs.ext4', ['-q', '-m', '0', image])
}

/** EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH: from here on nothing reaches the disk, the journal's tail included. */
function shutDown(path: string): void {
  const script = 'use Fcntl; sysopen(my $d, $ARGV[0], O_RDONLY) or die $!; my $how = pack("I", 2); ioctl($d, 0x8004587D, $how) or die $!'
  run('perl', ['-e', script, path])
}

function fillUp(filler: string, path: string, leaveBytes: number): void {
  const fd = openSync(filler, 'a')
  try {
    for (let size = 1024 * 1024; size >= 512;) {
      const { bavail, bsize } = statfsSync(path)
      if (bavail * bsize - leaveBytes < size) size >>= 1
      else if (!wrote(fd, size)) size >>= 1
    }
    fdatasyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function wrote(fd: number, size: number): boolean {
  try {
    return writeSync(fd, Buffer.alloc(size)) > 0
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false
    throw error
  }
}

function run(command: string, args: readonly string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
}
