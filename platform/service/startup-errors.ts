import { access, constants, mkdir, open, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { ServiceError } from '../../contracts/errors.ts'

type SystemError = Error & { code: string; address?: string; port?: number; path?: string }

/** Operating-system errors at start as one clear sentence; anything else as it is. */
export function toStartupError(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  if (error instanceof ServiceError || !('code' in error)) return error
  const { code, address, port, path } = error as SystemError
  if (code === 'EADDRINUSE')
    return new ServiceError('invalid_config', `port ${port} on ${address} is taken`, {
      cause: error,
      hint: 'choose another with --port or HINDSIGHT_PORT',
    })
  if (code === 'EADDRNOTAVAIL')
    return new ServiceError('invalid_config', `cannot listen on ${address}: not an address of this machine`, { cause: error })
  if (port !== undefined && code === 'EACCES')
    return new ServiceError('invalid_config', `not allowed to listen on port ${port}`, { cause: error })
  if (path !== undefined && unwritable[code] !== undefined)
    return new ServiceError('invalid_config', `cannot write to ${path}: ${unwritable[code]}`, { cause: error })
  return error
}

const unwritable: Record<string, string> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'it is a file, not a directory',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
}

/** Creates the data directory where it is missing; throws `invalid_config` when nothing can be written there. */
export async function ensureDataDirectory(dir: string): Promise<void> {
  const path = resolve(dir)
  const probe = join(path, `.writable-${process.pid}`)
  try {
    await createLevels(path)
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
    await (await open(probe, 'w')).close()
    await rm(probe, { force: true })
  } catch (error) {
    const { code, message } = error as SystemError
    const reason = code === 'ENOENT' ? 'the system creates no directory there' : (unwritable[code] ?? message)
    throw new ServiceError('invalid_config', `cannot write to the data directory ${path}: ${reason}`, {
      cause: error,
      hint: 'choose another with --data-dir or HINDSIGHT_DATA_DIR',
    })
  }
}

/** Creates the directory and its missing parents. `recursive` would never end where the system answers ENOENT although the parent is there, as in /proc. */
async function createLevels(path: string): Promise<void> {
  const missing: string[] = []
  for (let level = path; !(await isThere(level)); level = dirname(level)) missing.unshift(level)
  for (const level of missing)
    await mkdir(level).catch((error: SystemError) => {
      // Another service may create the same levels at the same time.
      if (error.code !== 'EEXIST') throw error
    })
  if (!(await stat(path)).isDirectory()) throw Object.assign(new Error(`${path} is a file`), { code: 'EEXIST' })
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if ((error as SystemError).code === 'ENOENT') return false
    throw error
  }
}
