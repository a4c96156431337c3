import type { Lane } from '../../../contracts/origin.ts'
import { readCursor } from '../format/cursor-files.ts'
import { freeSegments } from './free-segments.ts'
import { measureLag, readSegmentEnd, segmentBytes, type LaneLag, type SegmentEnd } from '../read/lane-lag.ts'
import { withFile } from '../format/outbox-files.ts'
import { laneDirectory, positionPath, segmentFileName } from '../format/segment-names.ts'
import type { SegmentId } from '../format/segment-format.ts'
import { type LogPosition, readSlots } from '../format/slot-file.ts'

export type LaneBacklog = Pick<LaneLag, 'records' | 'oldestAppendedAtMs'>

/** The disk space that a lane of this process's own outbox takes, as of the last look. */
export type LaneStorage = {
  /** Frees what every consumer has passed and measures what stays. */
  refresh(): Promise<void>
  bytes(): number
  segments(): number
  /** The records that the consumer furthest behind has yet to confirm; none where no consumer is named. */
  backlog(): LaneBacklog
}

type LaneStorageOptions = { dir: string; writerId: string; lane: Lane; consumers: readonly string[] }

export function createLaneStorage(options: LaneStorageOptions): LaneStorage {
  let sizes = new Map<string, number>()
  let ends = new Map<string, SegmentEnd>()
  let backlog: LaneBacklog = { records: 0 }

  async function sizeOf(id: SegmentId, isLast: boolean, published: LogPosition | undefined): Promise<number> {
    // The size of every segment but the last, which still grows, is remembered.
    const known = isLast ? undefined : sizes.get(segmentFileName(id))
    return known ?? segmentBytes(options.dir, id, published)
  }

  /** The end of a segment before the published one, to which nothing is added any more. */
  async function endOf(id: SegmentId, next: SegmentId | undefined): Promise<SegmentEnd> {
    const known = ends.get(segmentFileName(id))
    if (known !== undefined) return known
    const end = await readSegmentEnd(options.dir, id, next)
    ends.set(segmentFileName(id), end)
    return end
  }

  async function measureSizes(kept: readonly SegmentId[], published: LogPosition | undefined): Promise<void> {
    const next = new Map<string, number>()
    const known = sizes.size
    for (const [index, id] of kept.entries()) {
      // A size taken while the segment was the last one is taken once more when it no longer is.
      next.set(segmentFileName(id), await sizeOf(id, index >= known - 1 || index === kept.length - 1, published))
    }
    sizes = next
  }

  return {
    async refresh() {
      const kept = await freeSegments(options)
      const published = await withFile(positionPath(options.dir, options), 'r', readSlots)
      await measureSizes(kept, published)
      ends = new Map([...ends].filter(([name]) => sizes.has(name)))
      backlog = await measureBacklog(options, { published, endOf })
    },
    bytes: () => [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0),
    segments: () => sizes.size,
    backlog: () => backlog,
  }
}

type BacklogSources = { published: LogPosition | undefined; endOf: (id: SegmentId, next?: SegmentId) => Promise<SegmentEnd> }

async function measureBacklog(options: LaneStorageOptions, { published, endOf }: BacklogSources): Promise<LaneBacklog> {
  const { dir, consumers } = options
  let furthest: LaneBacklog = { records: 0 }
  for (const consumer of consumers) {
    const { position } = await readCursor(laneDirectory(dir, options), consumer)
    const lag = await measureLag({ ...options, published, cursor: position, endOf })
    if (lag.records > furthest.records) furthest = lag
  }
  return furthest
}
