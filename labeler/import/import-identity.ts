import { readdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'

/** A text that is equal for a file, or a folder's files, that have not changed, imported in the same way. */
export async function importIdentity(path: string, how: object): Promise<string> {
  const found = await stat(path)
  const names = found.isDirectory() ? (await readdir(path)).toSorted() : []
  const files = await Promise.all((names.length === 0 ? [path] : names.map((name) => join(path, name))).map(describe))
  return JSON.stringify({ path: resolve(path), files, how })
}

async function describe(path: string): Promise<object> {
  const { size, mtimeMs } = await stat(path)
  return { path, size, mtimeMs }
}
