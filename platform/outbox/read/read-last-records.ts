import type { Lane } from '../../../contracts/origin.ts'
import type { LogRecord } from '../../event-log/event-log.ts'
import { createLaneReader } from './lane-reader.ts'
import { openIfThere } from '../format/outbox-files.ts'
import { readSegmentHeader } from '../format/segment-files.ts'
import { segmentHeaderBytes, type SegmentId } from '../format/segment-format.ts'
import { listSegments, positionPath } from '../format/segment-names.ts'

/** The time before the end of an epoch within which everything was appended that was still under way then. */
const lookBackMs = 60_000
/** How many of the last epochs are looked through: each should have looked through those before it, but may have ended before it had. */
const mostEpochs = 4
const budget = { records: 4_096, bytes: 8 * 1024 * 1024 }

/** The records at the end of each of the last epochs, which may have been under way when it ended, and some before them. */
export async function* readLastRecords(
  { dir, writerId }: { dir: string; writerId: string },
  { lane, beforeEpoch }: { lane: Lane; beforeEpoch: number },
): AsyncGenerator<LogRecord> {
  const segments = (await listSegments(dir, { writerId, lane })).filter(({ epoch }) => epoch < beforeEpoch)
  const epochs = [...new Set(segments.map((segment) => segment.epoch))]
  for (const epoch of epochs.slice(-mostEpochs)) {
    const own = segments.filter((segment) => segment.epoch === epoch)
    yield* readFrom(dir, lane, await firstToRead(dir, own))
  }
}

/** The last segment that was begun long enough before the epoch's last one. */
async function firstToRead(dir: string, segments: readonly SegmentId[]): Promise<SegmentId> {
  const last = segments.at(-1) as SegmentId
  const endedAtMs = (await readSegmentHeader(dir, last))?.createdAtMs ?? Infinity
  for (const segment of segments.toReversed()) {
    const header = await readSegmentHeader(dir, segment)
    if (header !== undefined && header.createdAtMs <= endedAtMs - lookBackMs) return segment
  }
  return segments[0] as SegmentId
}

async function* readFrom(dir: string, lane: Lane, { writerId, epoch, firstSeq }: SegmentId): AsyncGenerator<LogRecord> {
  const positionFd = await openIfThere(positionPath(dir, { writerId, lane }))
  if (positionFd === undefined) return
  const start = { epoch, segment: firstSeq, offset: segmentHeaderBytes, seq: firstSeq - 1 }
  const reader = createLaneReader({ dir, writerId, lane, start, positionFd, onDamage: () => undefined })
  try {
    for (;;) {
      const records = await reader.read(budget)
      for (const { record } of records) {
        if (record.origin.epoch !== epoch) return
        yield record
      }
      if (records.length === 0) return
    }
  } finally {
    await reader.close()
  }
}
