import { readFileSync } from 'node:fs'
import { link, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { ServiceError } from '../../contracts/errors.ts'
import { identifyProcess, isAlive } from '../../platform/service/process-identity.ts'
import { writeFileSynced } from '../../platform/service/durable-files.ts'

export type DataLock = { release(): Promise<void> }

const holder = z.object({ pid: z.int(), born: z.string().optional() })

/**
 * Takes the data directory for this process; throws `invalid_config` when another live `hindsight up` has it. A
 * lock whose process is gone is taken over.
 */
export async function lockDataDirectory(dataDir: string): Promise<DataLock> {
  const path = join(dataDir, 'run', 'up.lock')
  await mkdir(join(dataDir, 'run'), { recursive: true })
  const mine = `${path}.${process.pid}`
  await writeFileSynced(mine, JSON.stringify(identifyProcess()))
  try {
    while (!(await linkIfFree(mine, path))) await removeIfStale(path, dataDir)
  } finally {
    await rm(mine, { force: true })
  }
  return { release: () => rm(path, { force: true }) }
}

async function removeIfStale(path: string, dataDir: string): Promise<void> {
  const text = readLock(path)
  if (text === undefined) return
  const held = parseHolder(text)
  if (held !== undefined && isAlive(held))
    throw new ServiceError('invalid_config', `hindsight is already running on ${dataDir} (pid ${held.pid})`, {
      hint: 'stop it first, or choose another --data-dir',
    })
  // Moved aside rather than removed: of two that found it stale, one could remove the other's new lock.
  const aside = `${path}.stale.${process.pid}`
  await rename(path, aside).catch(ignoreMissing)
  const moved = readLock(aside)
  if (moved !== undefined && moved !== text) await linkIfFree(aside, path)
  await rm(aside, { force: true })
}

async function linkIfFree(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

// A lock that does not parse was torn by a crash of the machine: nobody holds it.
function parseHolder(text: string): z.infer<typeof holder> | undefined {
  try {
    return holder.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

function readLock(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    ignoreMissing(error)
    return undefined
  }
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}
