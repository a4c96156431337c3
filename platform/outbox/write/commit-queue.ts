import { ServiceError } from '../../../contracts/errors.ts'
import type { Lane, Origin } from '../../../contracts/origin.ts'
import type { Durability } from '../../event-log/event-log.ts'
import type { LaneEntry } from './segment-sink.ts'

/** An append that waits for its commit. Whoever commits it resolves it; one that nobody resolved is rejected when the commit fails. */
export type QueuedEntry = LaneEntry & {
  durability: Durability
  resolve: (origins: Origin[]) => void
  reject: (error: unknown) => void
}

export type CommitQueueOptions = {
  lane: Lane
  maxQueuedBytes: number
  /** Commits one batch at a time, in the order of the entries. An error that it throws ends the queue. */
  commit: (batch: readonly QueuedEntry[]) => Promise<void>
  /** Called once, with the error that ended the queue; by then all that waited has been rejected. */
  onFailure: (error: unknown) => void
}

/** The one line in which a lane's appends wait: all that waits is the next commit. */
export type CommitQueue = {
  /** Rejects with `outbox_unavailable` when too much waits already, or the queue has ended. */
  add(entry: Omit<QueuedEntry, 'resolve' | 'reject'>): Promise<Origin[]>
  /** Ends the queue: rejects what waits and all that follows. A commit under way comes to its own end. */
  fail(error: unknown): void
  /** Settles when nothing waits and no commit is under way; undefined when that is so already. */
  running(): Promise<void> | undefined
}

/** The most bytes of one commit: far above what gathers during an fdatasync, and small enough to stay in memory at once. */
export const maxCommitBytes = 4 * 1024 * 1024

export function createCommitQueue({ lane, maxQueuedBytes, commit, onFailure }: CommitQueueOptions): CommitQueue {
  let waiting: QueuedEntry[] = []
  let waitingBytes = 0
  let running: Promise<void> | undefined
  let failure: ServiceError | undefined

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const batch = takeBatch()
      try {
        await commit(batch)
      } catch (error) {
        fail(error, batch)
      }
    }
    running = undefined
  }

  function takeBatch(): QueuedEntry[] {
    let bytes = 0
    let count = 0
    for (const entry of waiting) {
      if (count > 0 && bytes + entry.bytes > maxCommitBytes) break
      bytes += entry.bytes
      count += 1
    }
    waitingBytes -= bytes
    const batch = count === waiting.length ? waiting : waiting.slice(0, count)
    waiting = count === waiting.length ? [] : waiting.slice(count)
    return batch
  }

  function fail(error: unknown, batch: readonly QueuedEntry[]): void {
    const isFirst = failure === undefined
    failure ??= new ServiceError('outbox_unavailable', `Lane ${lane} of the outbox cannot be written.`, { cause: error })
    for (const entry of [...batch, ...waiting]) entry.reject(failure)
    waiting = []
    waitingBytes = 0
    if (isFirst) onFailure(error)
  }

  return {
    add({ records, seal, durability, bytes }) {
      if (failure) return Promise.reject(failure)
      if (waitingBytes + bytes > maxQueuedBytes) return Promise.reject(full(lane))
      return new Promise((resolve, reject) => {
        waiting.push({ records, seal, durability, bytes, resolve, reject })
        waitingBytes += bytes
        // The commit starts a microtask later, so that appends of the same turn share it.
        running ??= Promise.resolve().then(drain)
      })
    },
    fail: (error) => fail(error, []),
    running: () => running,
  }
}

function full(lane: Lane): ServiceError {
  return new ServiceError('outbox_unavailable', `Too much waits to be written in lane ${lane} of the outbox.`)
}
