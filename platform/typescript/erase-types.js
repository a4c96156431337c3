import { createHash, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** The folder in which every later process finds what was erased once. It lies beside the compiler, so that a new one begins with an empty folder. */
const cache = new URL('erased/', pathToFileURL(createRequire(import.meta.url).resolve('@swc/wasm-typescript')))

/**
 * A module loader's hook that blanks out the types of a TypeScript file, so that lines and columns are those of the source. It
 * uses the compiler of Node.js itself (from 22.18), which leaves the code as written, unlike those that rename functions or wrap
 * them.
 */
export async function load(url, context, nextLoad) {
  const { protocol, pathname } = new URL(url)
  if (protocol !== 'file:' || !pathname.endsWith('.ts')) return nextLoad(url, context)
  const filename = fileURLToPath(url)
  // The file is read synchronously: in this thread nothing else waits, and a few small files are read sooner than the thread pool is asked
  // for them.
  const text = readFileSync(filename, 'utf8')
  const hash = createHash('sha256').update(text).digest('hex')
  return { format: 'module', source: readErased(hash) ?? (await erase(text, filename, hash)), shortCircuit: true }
}

/** The last line of an erased file, which says that it is whole: a loss of power may cut off what was never synced. */
const lastLine = (hash) => `\n// ${hash}\n`

function readErased(hash) {
  try {
    const code = readFileSync(new URL(`${hash}.js`, cache), 'utf8')
    return code.endsWith(lastLine(hash)) ? code : undefined
  } catch {
    return undefined
  }
}

async function erase(text, filename, hash) {
  const { transformSync } = await import('@swc/wasm-typescript')
  const code = transformSync(text, { filename, mode: 'strip-only', module: true }).code + lastLine(hash)
  try {
    await mkdir(cache, { recursive: true })
    // The file gets its name when it is whole: other processes start at the same moment.
    const unfinished = new URL(`${randomUUID()}.tmp`, cache)
    await writeFile(unfinished, code)
    await rename(unfinished, new URL(`${hash}.js`, cache))
  } catch {
    // A folder that cannot be written only costs each start its time.
  }
  return code
}
