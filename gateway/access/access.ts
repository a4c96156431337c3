import { timingSafeEqual } from 'node:crypto'
import { ServiceError } from '../../contracts/errors.ts'
import { defaultTenant, type Caller, scopes } from '../http/caller.ts'
import type { KeyRing } from './key-ring.ts'
import { digestOf, keyIdOf } from './key-token.ts'

/** Finds out who a request is from, by its Authorization header. Throws `unauthorized`. */
export type Access = {
  identify(authorization: string | undefined): Caller
  /** Whether any key is asked for. */
  readonly required: boolean
}

/** The caller of every request where no key is asked for. */
const anyone: Caller = { name: 'anyone', tenant: defaultTenant, scopes: new Set(scopes) }

/** The caller with the key of the environment. One key for all gets about, so it does everything but change what is served. */
const environment: Caller = { name: 'environment', tenant: defaultTenant, scopes: new Set(['predict', 'label', 'read'] as const) }

/**
 * Asks for a key as soon as there is one: `apiKey` of the environment, or any of the ring. What was sent is hashed and the
 * hashes are compared in constant time, so that neither content nor length shows in how long it takes.
 */
export function createAccess(options: { apiKey: string | undefined; ring: Pick<KeyRing, 'get' | 'used'>; now: () => number }): Access {
  const { ring, now } = options
  const expected = options.apiKey === undefined ? undefined : digestOf(options.apiKey)
  const isRequired = () => expected !== undefined || ring.used
  return {
    get required() {
      return isRequired()
    },
    identify(authorization) {
      if (!isRequired()) return anyone
      const token = bearerToken(authorization)
      const digest = digestOf(token)
      if (expected !== undefined && timingSafeEqual(expected, digest)) return environment
      return fromRing(ring, { token, digest, nowMs: now() }) ?? refuse()
    },
  }
}

type PresentedToken = { token: string; digest: Buffer; nowMs: number }

function fromRing(ring: Pick<KeyRing, 'get'>, { token, digest, nowMs }: PresentedToken): Caller | undefined {
  const key = ring.get(keyIdOf(token) ?? '')
  if (key === undefined || key.expiresAtMs <= nowMs) return undefined
  const isGood = key.secrets.some((secret) => timingSafeEqual(secret.digest, digest) && secret.expiresAtMs > nowMs)
  return isGood ? key.caller : undefined
}

function refuse(): never {
  throw new ServiceError('unauthorized', 'the API key is missing, wrong, expired or revoked', {
    hint: 'send the header Authorization: Bearer KEY',
  })
}

function bearerToken(header: string | undefined): string {
  return /^bearer +(.+)$/i.exec(header ?? '')?.[1] ?? ''
}
