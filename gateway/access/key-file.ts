import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { ServiceError } from '../../contracts/errors.ts'
import { sha256, tenant, timestamp } from '../../contracts/primitives.ts'
import { scopes } from '../http/caller.ts'

export const keyName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must consist of a-z, 0-9, ., _ and -, at most 64 characters')

const storedSecret = z.strictObject({
  token_sha256: sha256,
  created_at: timestamp,
  expires_at: timestamp.optional().describe('Set when the key is rotated: until then the old secret is good too.'),
})

export const storedKey = z.strictObject({
  key_id: z.string().regex(/^[a-z0-9]{12}$/),
  name: keyName,
  tenant,
  scopes: z.array(z.enum(scopes)).min(1),
  requests_per_second: z.number().positive().optional(),
  burst: z.int().positive().optional(),
  max_concurrent: z.int().positive().optional(),
  created_at: timestamp,
  expires_at: timestamp.optional(),
  revoked_at: timestamp.optional(),
  secrets: z.array(storedSecret).min(1).max(2),
})
export type StoredKey = z.output<typeof storedKey>

/** The file of API keys: hashes only, so that reading it lets nobody in. */
export const keyFile = z.strictObject({ version: z.literal(1), keys: z.array(storedKey) })
export type KeyFile = z.output<typeof keyFile>

export function keyFilePath(config: { HINDSIGHT_KEYS_FILE?: string | undefined; HINDSIGHT_DATA_DIR: string }): string {
  return config.HINDSIGHT_KEYS_FILE ?? join(config.HINDSIGHT_DATA_DIR, 'keys.json')
}

/** Every key in the file; none when it is not there. Throws `invalid_config` for one that is damaged or that others may write. */
export async function readKeyFile(path: string): Promise<StoredKey[]> {
  const text = await readIfThere(path)
  if (text === undefined) return []
  const parsed = keyFile.safeParse(toJson(text))
  if (!parsed.success) throw new ServiceError('invalid_config', `the key file ${path} is not valid: ${z.prettifyError(parsed.error)}`)
  return parsed.data.keys
}

/**
 * The mode bits of a file that others may write: whoever writes it can let anybody in. Reading shows hashes only, and a mounted
 * secret is often readable by all.
 */
const writableByOthers = 0o022

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    const { mode } = await stat(path)
    if ((mode & writableByOthers) !== 0)
      throw new ServiceError('invalid_config', `the key file ${path} may be written by others`, { hint: `chmod 600 ${path}` })
    return await readFile(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // ENOTDIR: a part of the path is a file; whoever makes the data directory says so.
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
