import { toTable } from '../../platform/command/output.ts'
import type { StoredKey } from './key-file.ts'

const heads = ['key', 'name', 'tenant', 'scopes', 'limits', 'state']

/** A table of keys, one line each, as of a time. */
export function toKeyTable(keys: readonly StoredKey[], nowMs: number): string {
  if (keys.length === 0) return 'no keys'
  const rows = keys.map((key) => [key.key_id, key.name, key.tenant, key.scopes.join(' '), limitsOf(key), stateOf(key, nowMs)])
  return toTable([heads, ...rows])
}

function limitsOf({ requests_per_second: rate, burst, max_concurrent: concurrent }: StoredKey): string {
  const rates = rate === undefined ? [] : [`${rate}/s${burst === undefined ? '' : ` burst ${burst}`}`]
  return [...rates, ...(concurrent === undefined ? [] : [`${concurrent} at once`])].join(', ') || 'none'
}

function stateOf({ revoked_at, expires_at, secrets }: StoredKey, nowMs: number): string {
  if (revoked_at !== undefined) return `revoked ${revoked_at}`
  if (expires_at !== undefined && Date.parse(expires_at) <= nowMs) return `expired ${expires_at}`
  const ending = secrets.find(({ expires_at: at }) => at !== undefined && Date.parse(at) > nowMs)
  const until = expires_at === undefined ? '' : ` until ${expires_at}`
  return ending === undefined ? `good${until}` : `good${until}; the old secret until ${ending.expires_at}`
}
