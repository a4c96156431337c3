import { randomBytes } from 'node:crypto'
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ServiceError } from '../../contracts/errors.ts'

const ownerOnly = 0o600

/** Where the password of the embedded warehouse's services' port lies, in the data directory of a system. */
export function passwordFilePath(dataDir: string): string {
  return join(dataDir, 'warehouse', 'password')
}

/** The password; undefined where no embedded warehouse has run yet. */
export function readPassword(dataDir: string): string | undefined {
  const path = passwordFilePath(dataDir)
  try {
    const password = readFileSync(path, 'utf8').trim()
    if (password !== '') return password
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new ServiceError('invalid_config', `cannot read the warehouse's password in ${path}`, { cause: error })
  }
  throw new ServiceError('invalid_config', `the warehouse's password in ${path} is empty`, {
    hint: 'remove the file and start the warehouse again: it makes a new one',
  })
}

/** The password, made at the first call for a data directory. Only the user who made it can read the file. */
export function ensurePassword(dataDir: string): string {
  const path = passwordFilePath(dataDir)
  const known = readPassword(dataDir)
  if (known !== undefined) {
    chmodSync(path, ownerOnly)
    return known
  }
  mkdirSync(join(dataDir, 'warehouse'), { recursive: true })
  const whole = `${path}.${process.pid}.tmp`
  try {
    writeFileSync(whole, `${randomBytes(32).toString('base64url')}\n`, { mode: ownerOnly })
    // Unlike a rename, a link does not replace what another process made meanwhile.
    linkSync(whole, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(whole, { force: true })
  }
  return readPassword(dataDir) as string
}
