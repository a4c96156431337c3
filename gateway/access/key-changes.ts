import { ServiceError } from '../../contracts/errors.ts'
import { toTimestamp } from '../../contracts/primitives.ts'
import { knownNames } from '../../platform/text/known-names.ts'
import type { StoredKey } from './key-file.ts'
import { digestOf, newToken } from './key-token.ts'

export type KeyTerms = Pick<StoredKey, 'key_id' | 'name' | 'tenant' | 'scopes'> &
  Partial<Pick<StoredKey, 'requests_per_second' | 'burst' | 'max_concurrent' | 'expires_at'>>

/** `token` is shown once and kept nowhere. */
export type KeyChange = { keys: StoredKey[]; result: { key: StoredKey; token: string } }

export function createKey(keys: readonly StoredKey[], terms: KeyTerms, nowMs: number): KeyChange {
  const isTaken = keys.some(({ name, revoked_at }) => name === terms.name && revoked_at === undefined)
  if (isTaken)
    throw new ServiceError('invalid_config', `there is a key named ${terms.name} already`, { hint: 'rotate it, or take another name' })
  const token = newToken(terms.key_id)
  const key = { ...terms, created_at: toTimestamp(nowMs), secrets: [toSecret(token, nowMs)] }
  return { keys: [...keys, key], result: { key, token } }
}

/** Gives a key a new secret, beside which the old one is good for the overlap. A key that has two good secrets is refused a third, unless nothing overlaps. */
export function rotateKey(keys: readonly StoredKey[], options: { key: string; overlapMs: number; nowMs: number }): KeyChange {
  const { overlapMs, nowMs } = options
  const key = requireLive(keys, options.key)
  const good = key.secrets.filter(({ expires_at: at }) => at === undefined || Date.parse(at) > nowMs)
  const ending = good.find(({ expires_at: at }) => at !== undefined)
  if (overlapMs > 0 && ending !== undefined && good.length > 1)
    throw new ServiceError('invalid_config', `${key.name} has two secrets until ${ending.expires_at}`, {
      hint: 'rotate it after that, or with --overlap-hours 0, which ends both',
    })
  const token = newToken(key.key_id)
  const kept = overlapMs > 0 ? good.map((secret) => ({ expires_at: toTimestamp(nowMs + overlapMs), ...secret })) : []
  const rotated = { ...key, secrets: [...kept, toSecret(token, nowMs)] }
  return { keys: keys.map((one) => (one === key ? rotated : one)), result: { key: rotated, token } }
}

/** Revokes a key, whichever of its secrets is sent; it stays in the list. */
export function revokeKey(keys: readonly StoredKey[], options: { key: string; nowMs: number }): { keys: StoredKey[]; result: StoredKey } {
  const key = requireLive(keys, options.key)
  const revoked = { ...key, revoked_at: toTimestamp(options.nowMs) }
  return { keys: keys.map((one) => (one === key ? revoked : one)), result: revoked }
}

function requireLive(keys: readonly StoredKey[], keyId: string): StoredKey {
  const live = keys.filter(({ revoked_at }) => revoked_at === undefined)
  const key = live.find((one) => one.key_id === keyId || one.name === keyId)
  if (key !== undefined) return key
  const hint = knownNames(
    keyId,
    live.map(({ name }) => name),
  )
  throw new ServiceError('not_found', `there is no key ${keyId} that is not revoked`, { hint })
}

function toSecret(token: string, nowMs: number): StoredKey['secrets'][number] {
  return { token_sha256: digestOf(token).toString('hex'), created_at: toTimestamp(nowMs) }
}
