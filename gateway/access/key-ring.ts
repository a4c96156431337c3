import { stat } from 'node:fs/promises'
import type { Caller } from '../http/caller.ts'
import { readKeyFile, type StoredKey } from './key-file.ts'
import { repeat } from '../../platform/service/repeat.ts'

/** A key as requests are held against it. Times are Unix milliseconds, `Infinity` for none. */
export type RingKey = { caller: Caller; expiresAtMs: number; secrets: { digest: Buffer; expiresAtMs: number }[] }

/** The keys of a file that are not revoked, as of its last change. */
export type KeyRing = {
  get(keyId: string): RingKey | undefined
  /** Whether there has ever been a key; it stays true when the file goes, so that losing it opens nothing. */
  readonly used: boolean
  close(): void
}

/** A revoked key is refused within about this time. */
const lookEveryMs = 1_000

/**
 * Reads the file, and again whenever it has changed. One that becomes unreadable or invalid changes nothing and is reported
 * once. Rejects with `invalid_config` when it is so from the start.
 */
export async function openKeyRing(options: { path: string; onFault: (error: unknown) => void }): Promise<KeyRing> {
  const { path, onFault } = options
  let keys = new Map<string, RingKey>()
  let used = false
  let seen = ''

  async function load(): Promise<void> {
    const found = await identityOf(path)
    if (found === seen) return
    seen = found
    const stored = await readKeyFile(path)
    keys = new Map(stored.filter(({ revoked_at }) => revoked_at === undefined).map((key) => [key.key_id, toRingKey(key)]))
    used ||= stored.length > 0
  }

  await load()
  const stopping = new AbortController()
  void repeat(load, { everyMs: lookEveryMs, firstAfterMs: lookEveryMs, signal: stopping.signal, onFault })
  return {
    get: (keyId) => keys.get(keyId),
    get used() {
      return used
    },
    close: () => stopping.abort(),
  }
}

/** What differs after any change: a file that was replaced has another inode. */
async function identityOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs, mode } = await stat(path)
    return [ino, size, mtimeMs, mode].join(' ')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'none'
    throw error
  }
}

export function toRingKey(key: StoredKey): RingKey {
  const { requests_per_second: requestsPerSecond, burst, max_concurrent: maxConcurrent } = key
  const rate =
    requestsPerSecond === undefined ? undefined : { requestsPerSecond, burst: burst ?? Math.max(1, Math.ceil(requestsPerSecond)) }
  return {
    caller: { name: key.name, keyId: key.key_id, tenant: key.tenant, scopes: new Set(key.scopes), rate, maxConcurrent },
    expiresAtMs: toMs(key.expires_at),
    secrets: key.secrets.map((secret) => ({ digest: Buffer.from(secret.token_sha256, 'hex'), expiresAtMs: toMs(secret.expires_at) })),
  }
}

function toMs(time: string | undefined): number {
  return time === undefined ? Infinity : Date.parse(time)
}
