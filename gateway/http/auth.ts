import { createHash, timingSafeEqual } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import { ServiceError } from '../../contracts/errors.ts'
import type { GatewayEnv } from './gateway-env.ts'

/**
 * Demands `Authorization: Bearer KEY` when a key is configured. Both sides are hashed first, so that neither the key's
 * content nor its length shows in the time the comparison takes.
 */
export function requireApiKey(apiKey: string | undefined): MiddlewareHandler<GatewayEnv> {
  const expected = apiKey === undefined ? undefined : digest(apiKey)
  return async function apiKeyRequired(c, next) {
    if (expected !== undefined && !timingSafeEqual(expected, digest(bearerToken(c.req.header('authorization')))))
      throw new ServiceError('unauthorized', 'the API key is missing or wrong', { hint: 'send the header Authorization: Bearer KEY' })
    await next()
  }
}

function bearerToken(header: string | undefined): string {
  return /^bearer +(.+)$/i.exec(header ?? '')?.[1] ?? ''
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
