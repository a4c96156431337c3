import type { Lane } from '../../contracts/origin.ts'
import { freeSegments } from './free-segments.ts'
import { segmentBytes } from './lane-lag.ts'
import { segmentFileName } from './segment-names.ts'
import type { SegmentId } from './segment-format.ts'

/** What a lane of this process's own outbox holds on disk, as of the last look. */
export type LaneStorage = {
  /** Frees what every consumer has passed and measures what stays. */
  refresh(): Promise<void>
  bytes(): number
  segments(): number
}

export function createLaneStorage(options: { dir: string; writerId: string; lane: Lane; consumers: readonly string[] }): LaneStorage {
  let sizes = new Map<string, number>()

  async function sizeOf(id: SegmentId, isLast: boolean): Promise<number> {
    // Only the last one still grows.
    const known = isLast ? undefined : sizes.get(segmentFileName(id))
    return known ?? segmentBytes(options.dir, id)
  }

  return {
    async refresh() {
      const kept = await freeSegments(options)
      const next = new Map<string, number>()
      const known = sizes.size
      for (const [index, id] of kept.entries()) {
        // A size taken while the segment was the last one is taken once more when it no longer is.
        next.set(segmentFileName(id), await sizeOf(id, index >= known - 1 || index === kept.length - 1))
      }
      sizes = next
    },
    bytes: () => [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0),
    segments: () => sizes.size,
  }
}
