import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { loadProject } from '../../platform/project/load-project.ts'
import type { Project } from '../../platform/project/project.ts'
import { repeat } from '../../platform/service/repeat.ts'

/** How often the folder is looked at: a new version is there after the second look that finds the same. */
const lookEveryMs = 2_000

/** A project, and how its folder looked before it was read. */
export type SeenProject = { project: Project; seen: string }

export async function readSeenProject(dir: string): Promise<SeenProject> {
  const seen = await look(dir)
  return { seen, project: await loadProject(dir) }
}

/**
 * Reads the project again when its versions or deployments have changed and are at rest: a folder that is being copied
 * looks different each time, and is nobody's fault. `onChange` is given one project after the other.
 */
export function watchProject(options: {
  dir: string
  seen: string
  onChange: (project: Project) => Promise<void>
  onFault: (error: unknown) => void
}): { close(): void } {
  const { dir, onChange, onFault } = options
  let taken = options.seen
  let before = taken

  async function turn(): Promise<void> {
    const now = await look(dir)
    const atRest = now === before
    before = now
    if (now === taken || !atRest) return
    const { project, seen } = await readSeenProject(dir)
    taken = seen
    await onChange(project)
  }

  const stopping = new AbortController()
  void repeat(turn, { everyMs: lookEveryMs, firstAfterMs: lookEveryMs, signal: stopping.signal, onFault })
  return { close: () => stopping.abort() }
}

/** A text that differs after a version or a deployment came, went, or changed. */
async function look(dir: string): Promise<string> {
  const parts: string[] = []
  for (const model of await foldersOf(dir)) {
    parts.push(await identityOf(join(dir, model, 'deployment.yaml')))
    for (const version of await foldersOf(join(dir, model))) {
      const folder = join(dir, model, version)
      const files = [await identityOf(join(folder, 'manifest.yaml')), await identityOf(join(folder, 'model.onnx'))]
      if (files.some((identity) => identity !== '')) parts.push(folder, ...files)
    }
  }
  return parts.join('\n')
}

async function foldersOf(dir: string): Promise<string[]> {
  try {
    const entries = await readdir(dir, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory() && entry.name !== 'node_modules').map(({ name }) => name)
  } catch (error) {
    if (isGone(error)) return []
    throw error
  }
}

async function identityOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(path)
    return [path, ino, size, mtimeMs].join(' ')
  } catch (error) {
    if (isGone(error)) return ''
    throw error
  }
}

function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENOTDIR'
}
