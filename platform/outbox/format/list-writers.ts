import { listDirectory } from './segment-names.ts'

/** The writers that have an outbox in the directory. Names that begin with a dot are outboxes being removed. */
export async function listWriters(dir: string): Promise<string[]> {
  return (await listDirectory(dir)).filter((name) => !name.startsWith('.')).toSorted()
}
