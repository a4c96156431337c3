import { type Access, createAccess } from '../access/access.ts'
import type { StoredKey } from '../access/key-file.ts'
import { toRingKey } from '../access/key-ring.ts'
import { createKey, type KeyTerms } from '../access/key-changes.ts'

/** Access by a key of the environment, by keys of a file, or by both; without either nobody is asked. */
export function createTestAccess(options: { apiKey?: string; keys?: readonly StoredKey[] } = {}): Access {
  const keys = new Map((options.keys ?? []).map((key) => [key.key_id, toRingKey(key)]))
  return createAccess({ apiKey: options.apiKey, ring: { get: (keyId) => keys.get(keyId), used: keys.size > 0 }, now: Date.now })
}

/** A key and what its owner sends. */
export function createTestKey(terms: Partial<KeyTerms> = {}): { key: StoredKey; authorization: string } {
  const all = { key_id: 'abcdefghjkmn', name: 'tests', tenant: 'default', scopes: ['predict' as const], ...terms }
  const { key, token } = createKey([], all, Date.now()).result
  return { key, authorization: `Bearer ${token}` }
}
