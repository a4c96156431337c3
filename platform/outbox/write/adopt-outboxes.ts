import { randomBytes } from 'node:crypto'
import { rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ServiceError } from '../../../contracts/errors.ts'
import { lanes, type Lane } from '../../../contracts/origin.ts'
import { claimFileName, endLife, readHolder, releaseEpoch, type OutboxHolder } from './epoch-claim.ts'
import { freeSegments } from './free-segments.ts'
import { claimOutbox, startEpoch, type OutboxEpochOptions } from './outbox-epoch.ts'
import { isMissing, listSegments, listWriters } from '../format/segment-names.ts'

/** Looks after the outboxes of writers that are gone: seals crashed epochs, frees segments, removes what is empty. */
export type Adopter = { look(): Promise<void> }

/**
 * The age from which on an empty outbox is removed: by then nobody comes back to read it, and no clock is so far off that a new
 * epoch would repeat one of it.
 */
const removeAfterMs = 3_600_000

export function createAdopter(options: {
  epochOptions: OutboxEpochOptions
  consumersOf: Record<Lane, readonly string[]>
  everyMs: number
}): Adopter {
  const { epochOptions, consumersOf, everyMs } = options
  const { dir, writerId: own, now } = epochOptions
  let lastLookMs = performance.now()
  let deadBefore = new Map<string, number>()

  async function look(): Promise<void> {
    if (performance.now() - lastLookMs < everyMs) return
    lastLookMs = performance.now()
    const dead = new Map<string, number>()
    for (const writerId of await listWriters(dir)) {
      const holder = writerId === own ? undefined : await readHolder(join(dir, writerId))
      if (holder?.state === 'dead') dead.set(writerId, holder.epoch)
      if (holder) await tend(writerId, holder)
    }
    deadBefore = dead
  }

  async function tend(writerId: string, holder: OutboxHolder): Promise<void> {
    try {
      // A writer must be found dead at two looks, so that one that is being restarted finds its outbox free.
      if (holder.state === 'dead' && deadBefore.get(writerId) === holder.epoch) await endCrashed(writerId)
      if (holder.state === 'released') await freeReleased(writerId, holder.epoch)
    } catch (error) {
      // The writer's own process, or another adopter, was faster.
      if (!(error instanceof ServiceError) && !isMissing(error)) throw error
    }
  }

  async function endCrashed(writerId: string): Promise<void> {
    const number = await claimOutbox({ dir, writerId, nowMs: now() })
    try {
      const epoch = await startEpoch(number, { ...epochOptions, writerId, onFailure: () => undefined })
      await epoch.finish()
    } catch (error) {
      // The writer's own process does whatever is left undone, so the claim made here must not keep it out.
      await releaseEpoch(join(dir, writerId), number)
      throw error
    }
  }

  async function freeReleased(writerId: string, epoch: number): Promise<void> {
    let kept = 0
    for (const lane of lanes) kept += (await freeSegments({ dir, writerId, lane, consumers: consumersOf[lane] })).length
    const claimedMs = (await stat(join(dir, writerId, claimFileName(epoch)))).mtimeMs
    if (kept === 0 && now() - claimedMs > removeAfterMs) await removeOutbox(writerId)
  }

  async function removeOutbox(writerId: string): Promise<void> {
    const number = await claimOutbox({ dir, writerId, nowMs: now() })
    // The writer may have been there between the look and the claim.
    for (const lane of lanes) {
      if ((await listSegments(dir, { writerId, lane })).length > 0) return releaseEpoch(join(dir, writerId), number)
    }
    // The directory gets another name first: a writer of this id that opens now begins one of its own.
    const removed = join(dir, `.removed-${writerId}-${randomBytes(4).toString('hex')}`)
    await rename(join(dir, writerId), removed)
    await rm(removed, { recursive: true })
    await endLife(join(dir, writerId))
  }

  return { look }
}
