import { join } from 'node:path'
import { lanes, type Lane } from '../../contracts/origin.ts'
import { readCursors } from './format/cursor-files.ts'
import { readHolder, type OutboxHolder } from './write/epoch-claim.ts'
import { measureLag, segmentBytes, type LaneLag } from './read/lane-lag.ts'
import { withFile } from './format/outbox-files.ts'
import { laneDirectory, listSegments, listWriters, positionPath } from './format/segment-names.ts'
import { readSlots } from './format/slot-file.ts'

export type OutboxDescription = { writers: WriterDescription[] }

/** `state`: the process that has it open lives, is gone without closing it (`dead`), or has closed it (`released`). */
export type WriterDescription = { writerId: string; epoch: number; pid: number; state: OutboxHolder['state']; lanes: LaneDescription[] }

/** `epoch` and `durableSeq` are missing before the lane's first record. */
export type LaneDescription = {
  lane: Lane
  epochs: number
  segments: number
  bytes: number
  epoch?: number
  durableSeq?: number
  consumers: ({ consumer: string } & LaneLag)[]
}

/** Looks at every outbox in the directory without being a consumer and without changing anything. */
export async function describeOutbox(dir: string): Promise<OutboxDescription> {
  const writers: WriterDescription[] = []
  for (const writerId of await listWriters(dir)) {
    const holder = await readHolder(join(dir, writerId))
    if (holder === undefined) continue
    const described = await Promise.all(lanes.map((lane) => describeLane(dir, { writerId, lane })))
    writers.push({ writerId, ...holder, lanes: described.filter(({ segments, durableSeq }) => segments > 0 || durableSeq !== undefined) })
  }
  return { writers }
}

async function describeLane(dir: string, place: { writerId: string; lane: Lane }): Promise<LaneDescription> {
  const published = await withFile(positionPath(dir, place), 'r', readSlots)
  const segments = await listSegments(dir, place)
  const sizes = await Promise.all(segments.map((id) => segmentBytes(dir, id, published)))
  const cursors = await readCursors(laneDirectory(dir, place))
  const lags = cursors.map(async ({ consumer, position }) => ({
    consumer,
    ...(await measureLag({ dir, ...place, published, cursor: position })),
  }))
  return {
    lane: place.lane,
    epochs: new Set(segments.map(({ epoch }) => epoch)).size,
    segments: segments.length,
    bytes: sizes.reduce((sum, bytes) => sum + bytes, 0),
    ...(published ? { epoch: published.epoch, durableSeq: published.seq } : {}),
    consumers: await Promise.all(lags),
  }
}
