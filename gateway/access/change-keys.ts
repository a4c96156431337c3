import { open, mkdir, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ServiceError } from '../../contracts/errors.ts'
import { readKeyFile, type StoredKey } from './key-file.ts'
import { writeFileAtomically } from '../../platform/service/durable-files.ts'

const lockWaitMs = 5_000
const lockLookMs = 50

/** Rewrites the key file as `change` says, whole or not at all, readable by its owner only. One change at a time. */
export async function changeKeys<T>(path: string, change: (keys: readonly StoredKey[]) => { keys: StoredKey[]; result: T }): Promise<T> {
  await mkdir(dirname(path), { recursive: true })
  const lock = `${path}.lock`
  await takeLock(lock)
  try {
    const { keys, result } = change(await readKeyFile(path))
    await writeFileAtomically(path, `${JSON.stringify({ version: 1, keys }, null, 2)}\n`, 0o600)
    return result
  } finally {
    await rm(lock, { force: true })
  }
}

async function takeLock(path: string): Promise<void> {
  const giveUpAt = performance.now() + lockWaitMs
  while (!(await created(path))) {
    if (performance.now() > giveUpAt)
      throw new ServiceError('invalid_config', `another command is changing the keys: ${path} is there`, {
        hint: 'remove that file if no command runs',
      })
    await sleep(lockLookMs)
  }
}

async function created(path: string): Promise<boolean> {
  try {
    await (await open(path, 'wx', 0o600)).close()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}
