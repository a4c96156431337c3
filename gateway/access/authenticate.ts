import type { Handler, MiddlewareHandler } from 'hono'
import type { GatewayEnv } from '../http/gateway-env.ts'
import type { Access } from './access.ts'
import { requireScope, type Scope } from '../http/caller.ts'

/** Finds out who the caller is, or refuses with `unauthorized`. */
export function authenticate(access: Access): MiddlewareHandler<GatewayEnv> {
  return function authenticate(c, next) {
    c.set('caller', access.identify(c.req.header('authorization')))
    return next()
  }
}

/** The handler, for callers that have one of the scopes; others are refused with `forbidden`. */
export function allow(allowed: readonly Scope[], handler: Handler<GatewayEnv>): Handler<GatewayEnv> {
  return function scoped(c, next) {
    requireScope(c.get('caller'), allowed)
    return handler(c, next)
  }
}
