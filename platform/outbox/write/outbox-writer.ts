import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { ServiceError } from '../../../contracts/errors.ts'
import { lanes, type Lane, type Origin } from '../../../contracts/origin.ts'
import { createAdopter } from './adopt-outboxes.ts'
import { createCursors } from '../format/cursor-files.ts'
import { releaseEpoch } from './epoch-claim.ts'
import type { AppendInput, Durability, EventLogWriter, LaneStatus } from '../../event-log/event-log.ts'
import { createLaneStorage, type LaneStorage } from './lane-storage.ts'
import { claimOutbox, startEpoch, toUnavailable, type FailedEpoch, type OutboxEpoch, type OutboxEpochOptions } from './outbox-epoch.ts'
import { nodeDisk, type OutboxDisk } from '../format/outbox-files.ts'
import { repeat } from '../../service/repeat.ts'

export type OutboxWriterOptions = {
  /** The directory of all outboxes, `<data>/outbox`. */
  dir: string
  /** Stable over restarts; letters, digits, `.`, `_` and `-`, at most 64. */
  writerId: string
  consumersOf: Record<Lane, readonly string[]>
  /** Consumers whose cursors are removed, because the lane has them no more and nobody moves them on. */
  formerConsumers?: readonly string[]
  /**
   * Size at which a segment is completed. Only complete ones are freed, so it lies well below `maxLaneBytes`. Default
   * 64 MiB, at most a quarter of that.
   */
  segmentBytes?: number
  /** The most bytes of a lane on disk before its appends are refused, to within what arrives between two looks. Default 16 GiB. */
  maxLaneBytes?: number
  /** How long a record may wait for its consumers before appends to its lane are refused. Default 7 days. */
  maxLaneAgeMs?: number
  /** The most bytes of a lane that may wait in memory for their commit. Default 64 MiB. */
  maxQueuedBytes?: number
  /** How long to wait for another process to let go of this outbox. Default 2,000. */
  lockWaitMs?: number
  /** Milliseconds between looks for segments to free, an hour to seal and, after a failure, whether the disk writes again. Default 1,000. */
  maintainEveryMs?: number
  /** Milliseconds between looks for outboxes in `dir` whose process is gone; acts on those that two looks found so. Default 30,000. */
  adoptEveryMs?: number
  now?: () => number
  disk?: OutboxDisk
  /** Told of faults of the background work and of the error behind each time that appends become impossible. */
  onFault?: (error: unknown) => void
}

/** The bounds of a lane unless the writer is told otherwise. */
export const defaultLaneBounds = { maxLaneBytes: 16 * 1024 ** 3, maxLaneAgeMs: 7 * 24 * 3_600_000 } as const

const writerIdPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/**
 * Opens the writer's outbox in a new epoch, after ending what a crash left of older ones.
 * @throws ServiceError `outbox_unavailable` when another process has it open or the directory cannot be written.
 *
 * @example
 * ```ts
 * import { openOutboxWriter } from './outbox-writer.ts'
 *
 * const logger = ['logger']
 * const writer = await openOutboxWriter({
 *   dir: 'data/outbox',
 *   writerId: 'gateway-1',
 *   consumersOf: { predictions: logger, labels: logger, feature_events: logger, batch_predictions: logger },
 * })
 * const [origin] = await writer.append('labels', [{ kind: 'event', id: 'label-1', payload: '{"value":1}' }])
 * origin?.seq // => 1
 * await writer.close()
 * ```
 */
export async function openOutboxWriter(options: OutboxWriterOptions): Promise<EventLogWriter> {
  const { dir, writerId, consumersOf, formerConsumers = [], disk = nodeDisk, now = Date.now, onFault = () => undefined } = options
  const { maxLaneBytes = defaultLaneBounds.maxLaneBytes, maxLaneAgeMs = defaultLaneBounds.maxLaneAgeMs } = options
  const { segmentBytes = Math.min(64 * 1024 ** 2, Math.ceil(maxLaneBytes / 4)), maxQueuedBytes = 64 * 1024 ** 2 } = options
  const { lockWaitMs = 2_000, maintainEveryMs = 1_000, adoptEveryMs = 30_000 } = options
  if (!writerIdPattern.test(writerId)) {
    throw new ServiceError('invalid_config', `"${writerId}" is no writer id: letters, digits, . _ and -, at most 64.`)
  }

  let broken = false
  let closing: Promise<void> | undefined
  let failed: FailedEpoch | undefined
  const epochOptions = { dir, writerId, segmentBytes, maxQueuedBytes, disk, now, onFailure }
  let held = await claimWithin(lockWaitMs, { dir, writerId, now })
  let epoch = await startFirst(held, { epochOptions, consumersOf, formerConsumers, onFault })

  const storages = new Map<Lane, LaneStorage>(
    lanes.map((lane) => [lane, createLaneStorage({ dir, writerId, lane, consumers: consumersOf[lane] })]),
  )
  const adopter = createAdopter({ epochOptions, consumersOf, everyMs: adoptEveryMs })
  const stopping = new AbortController()
  const maintenance = repeat(maintain, { everyMs: maintainEveryMs, firstAfterMs: maintainEveryMs, signal: stopping.signal, onFault })

  function onFailure(error: unknown): void {
    if (!broken) onFault(error)
    broken = true
  }

  /** Opens a new epoch after a failed write, which spoils its file for good: a new epoch has new files, and recovery settles what the old one holds. */
  async function reopen(): Promise<void> {
    failed ??= await epoch.abandon()
    held = await claimOutbox({ dir, writerId, nowMs: now(), heldEpoch: held })
    epoch = await startEpoch(held, epochOptions, failed)
    failed = undefined
    broken = false
  }

  async function maintain(): Promise<void> {
    // Segments are freed first, for a disk that is full writes again only when something has been freed.
    for (const storage of storages.values()) await storage.refresh()
    if (broken) await reopen()
    for (const lane of lanes) await epoch.lane(lane).sealHour()
    await adopter.look()
  }

  function append(lane: Lane, records: readonly AppendInput[], options?: { durability?: Durability }): Promise<Origin[]> {
    if (closing || broken) return Promise.reject(notWritable(writerId, closing ? 'closed' : 'not writable now'))
    const full = boundReached(lane)
    if (full !== undefined) return Promise.reject(full)
    return epoch.lane(lane).append(records, options?.durability ?? 'disk')
  }

  function boundReached(lane: Lane): ServiceError | undefined {
    const storage = storages.get(lane)
    if (storage === undefined) return undefined
    if (storage.bytes() > maxLaneBytes) return laneFull(lane, `holds its ${maxLaneBytes} bytes`)
    const { oldestAppendedAtMs = Infinity } = storage.backlog()
    return now() - oldestAppendedAtMs > maxLaneAgeMs ? laneFull(lane, `has a record that waits for over ${maxLaneAgeMs} ms`) : undefined
  }

  async function close(): Promise<void> {
    stopping.abort()
    await maintenance
    try {
      if (broken) await reopen()
      await epoch.finish()
    } catch (error) {
      throw toUnavailable(error, `The outbox of ${writerId} could not be closed; its next opening recovers it.`)
    }
  }

  return {
    writerId,
    get epoch() {
      return epoch.number
    },
    append,
    settle: (origin) => origin.epoch === epoch.number && epoch.lane(origin.lane).settle(origin.seq),
    settlement: (lane) => epoch.lane(lane).settlement(),
    writable: () => !closing && !broken,
    status: () => lanes.map((lane) => laneStatus({ writerId, lane }, epoch, storages.get(lane))),
    close: () => (closing ??= close()),
  }
}

type FirstEpoch = { epochOptions: OutboxEpochOptions } & Pick<OutboxWriterOptions, 'consumersOf'> &
  Required<Pick<OutboxWriterOptions, 'formerConsumers' | 'onFault'>>

/** Starts the first epoch; a process that cannot start gives the outbox back. */
async function startFirst(held: number, { epochOptions, consumersOf, formerConsumers, onFault }: FirstEpoch): Promise<OutboxEpoch> {
  const { dir, writerId } = epochOptions
  try {
    await createCursors({ dir, writerId, consumersOf, former: formerConsumers })
    return await startEpoch(held, epochOptions)
  } catch (error) {
    await releaseEpoch(join(dir, writerId), held).catch(onFault)
    throw toUnavailable(error, `The outbox of ${writerId} in ${dir} cannot be opened.`)
  }
}

type OwnLane = Pick<LaneStatus, 'writerId' | 'lane'>

function laneStatus(own: OwnLane, { number, lane: writerOf }: OutboxEpoch, storage: LaneStorage | undefined): LaneStatus {
  const writer = writerOf(own.lane)
  const durableSeq = writer.acknowledged()?.seq ?? 0
  const [bytes, segments] = [storage?.bytes() ?? 0, storage?.segments() ?? 0]
  const { records: unconfirmed = 0, oldestAppendedAtMs: oldest } = storage?.backlog() ?? {}
  const status = { ...own, epoch: number, lastSeq: writer.lastSeq(), durableSeq, bytes, segments, unconfirmed }
  return oldest === undefined ? status : { ...status, oldestUnconfirmedAtMs: oldest }
}

/** Claims the outbox, for a while again and again: a restarted process may be a moment faster than the end of the one before it. */
async function claimWithin(waitMs: number, { now, ...place }: { dir: string; writerId: string; now: () => number }): Promise<number> {
  for (const until = performance.now() + waitMs; ;) {
    try {
      return await claimOutbox({ ...place, nowMs: now() })
    } catch (error) {
      const isHeld = error instanceof ServiceError
      if (!isHeld || performance.now() > until)
        throw toUnavailable(error, `The outbox of ${place.writerId} in ${place.dir} cannot be opened.`)
      await sleep(50)
    }
  }
}

function notWritable(writerId: string, state: string): ServiceError {
  return new ServiceError('outbox_unavailable', `The outbox of ${writerId} is ${state}.`)
}

function laneFull(lane: Lane, bound: string): ServiceError {
  return new ServiceError('outbox_unavailable', `Lane ${lane} of the outbox ${bound}.`, {
    hint: 'Its consumers do not keep up or are not running: `hindsight status` shows how far each has come.',
  })
}
