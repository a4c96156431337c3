import { randomUUID } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Files between a request and the engine. Rows of an insert: inline, the engine reads what follows a blank line as SQL.
 * Results: the engine's own streams start in the event loop, and there they run whole subqueries.
 */
export type Spool = {
  /** Calls `use` with a path of its own, and removes what is there afterwards. */
  withPath<T>(use: (path: string) => Promise<T>): Promise<T>
}

/** What a crashed process left in the folder is removed: nothing in it was confirmed. */
export function createSpool(dir: string): Spool {
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(dir, { recursive: true })
  return {
    async withPath(use) {
      const path = join(dir, randomUUID())
      try {
        return await use(path)
      } finally {
        await rm(path, { force: true })
      }
    },
  }
}

export async function writeFile(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'wx')
  try {
    for await (const chunk of chunks) await file.writeFile(chunk)
  } finally {
    await file.close()
  }
}
