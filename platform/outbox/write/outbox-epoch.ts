import { join } from 'node:path'
import { ServiceError } from '../../../contracts/errors.ts'
import { lanes, type Lane } from '../../../contracts/origin.ts'
import { claimEpoch, releaseEpoch } from './epoch-claim.ts'
import { type LaneEnd, recoverLane } from './lane-recovery.ts'
import { createLaneWriter, type LaneWriter, type LaneWriterOptions } from './lane-writer.ts'
import { withFile } from '../format/outbox-files.ts'
import { laneDirectory, listSegments, positionFileName } from '../format/segment-names.ts'
import { readSlots } from '../format/slot-file.ts'
import { makeDirectory } from '../../service/durable-files.ts'

export type OutboxEpochOptions = Omit<LaneWriterOptions, 'lane' | 'epoch'>

/** The lanes' ends in an epoch that failed, as far as this process knows them. */
export type FailedEpoch = { number: number; lanes: Map<Lane, LaneEnd> }

/** One opening of a writer's outbox: a lane writer for each lane. */
export type OutboxEpoch = {
  number: number
  lane(lane: Lane): LaneWriter
  /** Seals and completes every lane and releases the outbox. */
  finish(): Promise<void>
  /** Ends the epoch after a failure; the outbox stays claimed by this process. */
  abandon(): Promise<FailedEpoch>
}

/**
 * Claims the next epoch of the writer's outbox, above whatever its files mention. `heldEpoch` is the one that this
 * process already holds.
 * @throws ServiceError `outbox_unavailable` when a living process holds the outbox.
 */
export async function claimOutbox(options: { dir: string; writerId: string; nowMs: number; heldEpoch?: number }): Promise<number> {
  const { dir, writerId, nowMs, heldEpoch } = options
  for (const lane of lanes) await makeDirectory(laneDirectory(dir, { writerId, lane }))
  const used = await Promise.all(lanes.map((lane) => highestEpoch(dir, { writerId, lane })))
  const claim = { directory: join(dir, writerId), nowMs, floor: Math.max(...used) + 1 }
  return claimEpoch(heldEpoch === undefined ? claim : { ...claim, heldEpoch })
}

async function highestEpoch(dir: string, place: { writerId: string; lane: Lane }): Promise<number> {
  const segments = await listSegments(dir, place)
  const position = await withFile(join(laneDirectory(dir, place), positionFileName), 'r', readSlots)
  return Math.max(segments.at(-1)?.epoch ?? 0, position?.epoch ?? 0)
}

/** Ends what is left of older epochs in every lane and opens the lanes of the claimed one. */
export async function startEpoch(number: number, options: OutboxEpochOptions, failed?: FailedEpoch): Promise<OutboxEpoch> {
  const { dir, writerId, disk, now } = options
  const writers = new Map<Lane, LaneWriter>()
  try {
    for (const lane of lanes) {
      const recovery = { dir, writerId, lane, epoch: number, disk, now }
      const end = failed?.lanes.get(lane)
      await recoverLane(failed && end ? { ...recovery, failed: { epoch: failed.number, ...end } } : recovery)
      writers.set(lane, await createLaneWriter({ ...options, lane, epoch: number }))
    }
  } catch (error) {
    // None may leave its files open: while the disk is full this happens once a second.
    await Promise.all([...writers.values()].map((writer) => writer.abandon()))
    throw error
  }
  return {
    number,
    lane: (lane) => writers.get(lane) as LaneWriter,
    async finish() {
      await allDone([...writers.values()].map((writer) => writer.finish()))
      await releaseEpoch(join(dir, writerId), number)
    },
    async abandon() {
      return {
        number,
        lanes: new Map(await Promise.all([...writers].map(async ([lane, writer]) => [lane, await writer.abandon()] as const))),
      }
    },
  }
}

/** Does what `Promise.all` does, but lets every promise settle before it rejects. */
async function allDone(promises: Promise<void>[]): Promise<void> {
  const failures = (await Promise.allSettled(promises)).filter((result) => result.status === 'rejected')
  if (failures[0]) throw failures[0].reason
}

/** The error in the form that the port promises. */
export function toUnavailable(error: unknown, message: string): ServiceError {
  return error instanceof ServiceError ? error : new ServiceError('outbox_unavailable', message, { cause: error })
}
