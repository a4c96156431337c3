import { randomUUID } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Keeps the rows of an insert in a file until the engine has taken them. Inline data would be read as SQL: after a
 * blank line the engine takes what follows for the next statement.
 */
export type InsertSpool = {
  /** Calls `use` with the file of all chunks, and removes it afterwards. */
  withFile<T>(chunks: AsyncIterable<Uint8Array>, use: (path: string) => Promise<T>): Promise<T>
}

/** What a crashed process left in the folder is removed: nothing in it was confirmed. */
export function createInsertSpool(dir: string): InsertSpool {
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(dir, { recursive: true })
  return {
    async withFile(chunks, use) {
      const path = join(dir, randomUUID())
      try {
        await writeAll(path, chunks)
        return await use(path)
      } finally {
        await rm(path, { force: true })
      }
    },
  }
}

async function writeAll(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'wx')
  try {
    for await (const chunk of chunks) await file.writeFile(chunk)
  } finally {
    await file.close()
  }
}
