import { ServiceError } from '../../contracts/errors.ts'
import type { LimitedCaller } from '../bounds/caller-limits.ts'

/** `label` writes labels and feature events; `admin` changes what is served, on the admin listener. */
export const scopes = ['predict', 'label', 'read', 'admin'] as const
export type Scope = (typeof scopes)[number]

/** The tenant of a caller whose key names none. */
export const defaultTenant = 'default'

/** Who sends a request and what it may do. `keyId` is missing where the key of the environment, or none, was asked for. */
export type Caller = LimitedCaller & { name: string; tenant: string; scopes: ReadonlySet<Scope> }

/** Throws `forbidden` unless the caller has one of the scopes. */
export function requireScope(caller: Caller, allowed: readonly Scope[]): void {
  if (allowed.some((scope) => caller.scopes.has(scope))) return
  throw new ServiceError('forbidden', `the API key lacks the scope ${allowed.join(' or ')}`, {
    hint: 'npx hindsight keys list shows the scopes of each key',
  })
}
