import { type FileHandle, open } from 'node:fs/promises'
import { within } from '../../platform/service/within.ts'

const chunkBytes = 256 * 1024
/** How often a growing file is looked at; most results are whole by the first look. */
const lookEveryMs = 20

/**
 * Passes on what a writer puts into a file, while it does and until it is `done`. Rejects with the writer's error; what was
 * whole before it has then been passed on only if the writer was slower than a look.
 */
export async function forwardGrowingFile(path: string, done: Promise<unknown>, write: (chunk: Uint8Array) => Promise<void>): Promise<void> {
  let file: FileHandle | undefined
  let begun = false
  const whole = done.then(() => true)
  try {
    for (let ended = false; !ended;) {
      ended = await within(lookEveryMs, whole, () => false)
      file ??= await openIfThere(path)
      if (file === undefined) continue
      // A writer that fails may close its file before it says so: the first bytes wait for one more look.
      if (begun || ended) await forwardAvailable(file, write)
      else begun = (await file.stat()).size > 0
    }
  } finally {
    await file?.close()
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function forwardAvailable(file: FileHandle, write: (chunk: Uint8Array) => Promise<void>): Promise<void> {
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, null)
    if (bytesRead === 0) return
    await write(buffer.subarray(0, bytesRead))
  }
}
