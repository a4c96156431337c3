import { EngineError } from './engine-error.ts'

/**
 * The embedded engine goes on when a write to a file fails, as on a full disk: it confirms inserts and finishes merges of which
 * nothing or a part is on the disk, and cuts results short. It counts such writes, and that is all that tells of them.
 */
export type WriteWatch = {
  /** Throws when a write has failed since the engine was opened. Asked after a statement has run, it vouches for all that the statement wrote. */
  check(): Promise<void>
}

export type WriteWatchDeps = {
  failedWrites: () => Promise<number>
  /** Called once, at the first failed write that is seen. */
  onLost: () => void
}

export function createWriteWatch({ failedWrites, onLost }: WriteWatchDeps): WriteWatch {
  let asking: Promise<number> | undefined
  let next: Promise<number> | undefined
  let lost = false

  /** A count that is being read may be older than the statement of whoever comes now: that one waits for the next, with all who come meanwhile. */
  function count(): Promise<number> {
    if (asking === undefined) {
      asking = failedWrites().finally(() => (asking = undefined))
      return asking
    }
    next ??= asking
      .catch(() => undefined)
      .then(() => {
        next = undefined
        return count()
      })
    return next
  }
  return {
    async check() {
      if (!lost && (await count()) === 0) return
      if (!lost) onLost()
      lost = true
      throw new EngineError(
        75,
        'CANNOT_WRITE_TO_FILE_DESCRIPTOR',
        'A write to the disk failed: the warehouse starts again from what is on it',
      )
    },
  }
}
