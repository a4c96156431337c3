import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Lane } from '../../../contracts/origin.ts'
import type { SegmentId } from './segment-format.ts'

const segmentName = /^(\d{10})-(\d{15})\.segment$/

export const positionFileName = 'position'
export const cursorSuffix = '.cursor'

export function segmentFileName({ epoch, firstSeq }: Pick<SegmentId, 'epoch' | 'firstSeq'>): string {
  return `${String(epoch).padStart(10, '0')}-${String(firstSeq).padStart(15, '0')}.segment`
}

export function laneDirectory(dir: string, { writerId, lane }: Pick<SegmentId, 'writerId' | 'lane'>): string {
  return join(dir, writerId, lane)
}

/** The path of the file that says how far readers of the lane may go. */
export function positionPath(dir: string, place: { writerId: string; lane: Lane }): string {
  return join(laneDirectory(dir, place), positionFileName)
}

export function segmentPath(dir: string, id: SegmentId): string {
  return join(laneDirectory(dir, id), segmentFileName(id))
}

/** The lane's segments in the order of their records; none where the directory is not there. */
export async function listSegments(dir: string, { writerId, lane }: { writerId: string; lane: Lane }): Promise<SegmentId[]> {
  const names = await listDirectory(laneDirectory(dir, { writerId, lane }))
  return names
    .map((name) => segmentName.exec(name))
    .filter((match) => match !== null)
    .map((match) => ({ writerId, lane, epoch: Number(match[1]), firstSeq: Number(match[2]) }))
    .toSorted(compareSegments)
}

export function compareSegments(a: Pick<SegmentId, 'epoch' | 'firstSeq'>, b: Pick<SegmentId, 'epoch' | 'firstSeq'>): number {
  return a.epoch - b.epoch || a.firstSeq - b.firstSeq
}

/** The names in a directory; none where there is no such directory. */
export async function listDirectory(path: string): Promise<string[]> {
  try {
    return await readdir(path)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

export function isMissing(error: unknown): boolean {
  return errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR'
}

export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** The writers that have an outbox in the directory. Names that begin with a dot are outboxes being removed. */
export async function listWriters(dir: string): Promise<string[]> {
  return (await listDirectory(dir)).filter((name) => !name.startsWith('.')).toSorted()
}
