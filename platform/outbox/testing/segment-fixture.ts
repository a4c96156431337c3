import { mkdir, writeFile } from 'node:fs/promises'
import type { LogRecord } from '../../event-log/event-log.ts'
import { createLaneReader, type LogDamage } from '../read/lane-reader.ts'
import { openFile, type OutboxDisk, nodeDisk } from '../format/outbox-files.ts'
import { sealRecord } from '../format/seal-record.ts'
import {
  completionOffset,
  encodeCompletion,
  encodedRecordBytes,
  encodeSegmentHeader,
  segmentHeaderBytes,
  segmentSeed,
  writeRecord,
  type RecordInput,
  type SegmentId,
} from '../format/segment-format.ts'
import { laneDirectory, positionPath, segmentPath } from '../format/segment-names.ts'
import { openSlotFile, type LogPosition } from '../format/slot-file.ts'

/** Some records as they stand in a segment, for tests that damage it: `ends[i]` is the offset behind record i. */
export type SegmentFixture = { id: SegmentId; bytes: Buffer; records: RecordInput[]; ends: number[] }

export function buildSegment(id: SegmentId, count: number, options: { sealed: boolean }): SegmentFixture {
  const records: RecordInput[] = Array.from({ length: count }, (_, index) => ({
    seq: id.firstSeq + index,
    kind: index % 3 === 2 ? 'reject' : 'event',
    id: `id-${id.firstSeq + index}`,
    appendedAtMs: 1_700_000_000_000 + index,
    settledThrough: index % 4 === 1 ? id.firstSeq + index - 1 : undefined,
    payload: JSON.stringify({ n: index, text: 'é'.repeat((index * 7) % 40) }),
  }))
  const seq = id.firstSeq + count
  if (options.sealed) records.push(sealRecord({ ...id, unsealedFrom: id.firstSeq, seq, nowMs: 1_700_000_100_000, reason: 'close' }))
  const bytes = records.reduce((sum, record) => sum + encodedRecordBytes(record), segmentHeaderBytes)
  const buffer = Buffer.alloc(bytes)
  encodeSegmentHeader(id, { unsealedFrom: id.firstSeq, createdAtMs: 1_700_000_000_000 }).copy(buffer)
  let end = segmentHeaderBytes
  const ends = records.map((record) => (end = writeRecord(buffer, end, record, segmentSeed(id))))
  if (options.sealed) encodeCompletion(id, { lastSeq: seq, endOffset: end, unsealedFrom: seq + 1 }).copy(buffer, completionOffset)
  return { id, bytes: buffer, records, ends }
}

/** Lays the bytes down as the lane's segment, published as far as `published` says. */
export async function storeSegment(
  dir: string,
  { id, bytes, published }: { id: SegmentId; bytes: Buffer; published?: LogPosition },
): Promise<void> {
  await mkdir(laneDirectory(dir, id), { recursive: true })
  await writeFile(segmentPath(dir, id), bytes)
  const file = await openSlotFile({ path: positionPath(dir, id), disk: unsyncedDisk })
  if (published) await file.write(published, { sync: false })
  await file.close()
}

/** All that a reader finds in the lane, with what it reports as damaged. */
export async function readLane(
  dir: string,
  { writerId, lane }: Pick<SegmentId, 'writerId' | 'lane'>,
  start?: LogPosition,
): Promise<{ records: LogRecord[]; damage: LogDamage[] }> {
  const damage: LogDamage[] = []
  const positionFd = await openFile(positionPath(dir, { writerId, lane }), 'r')
  const reader = createLaneReader({ dir, writerId, lane, start, positionFd, onDamage: (found) => damage.push(found) })
  try {
    const read = await reader.read({ records: Infinity, bytes: Infinity })
    return { records: read.map(({ record }) => record), damage }
  } finally {
    await reader.close()
  }
}

/** A disk that syncs nothing, for tests of what is in the files, not of whether it is on the disk. */
export const unsyncedDisk: OutboxDisk = { write: nodeDisk.write, datasync: () => Promise.resolve() }
