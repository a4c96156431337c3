import { join } from 'node:path'
import { withFile } from './outbox-files.ts'
import { cursorSuffix, listDirectory } from './segment-names.ts'
import { readSlots, type LogPosition } from './slot-file.ts'

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
