import { join } from 'node:path'
import { lanes, type Lane } from '../../../contracts/origin.ts'
import { unlinkIfThere, withFile } from './outbox-files.ts'
import { cursorSuffix, laneDirectory, listDirectory } from './segment-names.ts'
import { openSlotFile, readSlots, type LogPosition } from './slot-file.ts'

/** How far a consumer has confirmed one writer's lane; no position before its first confirmation. */
export type NamedCursor = { consumer: string; position: LogPosition | undefined }

export function cursorPath(directory: string, consumer: string): string {
  return join(directory, `${consumer}${cursorSuffix}`)
}

export async function readCursor(directory: string, consumer: string): Promise<NamedCursor> {
  return { consumer, position: await withFile(cursorPath(directory, consumer), 'r', readSlots) }
}

/** Every consumer's cursor in a lane's directory, by name. */
export async function readCursors(directory: string): Promise<NamedCursor[]> {
  const files = (await listDirectory(directory)).filter((file) => file.endsWith(cursorSuffix)).toSorted()
  return Promise.all(files.map((file) => readCursor(directory, file.slice(0, -cursorSuffix.length))))
}

/**
 * Makes the cursors of the writer's consumers ahead of them, so that a consumer can also start when the disk is full, and
 * removes those of `former` ones, which nobody moves any more.
 */
export async function createCursors(options: {
  dir: string
  writerId: string
  consumersOf: Record<Lane, readonly string[]>
  former?: readonly string[]
}): Promise<void> {
  const { dir, writerId, consumersOf, former = [] } = options
  for (const lane of lanes) {
    for (const consumer of consumersOf[lane]) {
      const file = await openSlotFile({ path: cursorPath(laneDirectory(dir, { writerId, lane }), consumer) })
      await file.close()
    }
    const gone = former.filter((consumer) => !consumersOf[lane].includes(consumer))
    for (const consumer of gone) await unlinkIfThere(cursorPath(laneDirectory(dir, { writerId, lane }), consumer))
  }
}
