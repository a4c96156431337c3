import type { Handler, MiddlewareHandler } from 'hono'
import type { Gate } from '../bounds/gate.ts'
import type { GatewayEnv } from '../http/gateway-env.ts'
import type { Access } from './access.ts'
import { requireScope, type Scope } from '../http/caller.ts'

/** Finds out who the caller is, or refuses with `unauthorized`; and lets the request in, as far as its caller's limits and all of them allow. */
export function admit({ access, gate }: { access: Access; gate: Gate }): MiddlewareHandler<GatewayEnv> {
  return async function admit(c, next) {
    const caller = access.identify(c.req.header('authorization'))
    c.set('caller', caller)
    const use = gate.enter(caller)
    try {
      await next()
    } finally {
      gate.leave(use)
    }
  }
}

/** The handler, for callers that have one of the scopes; others are refused with `forbidden`. */
export function allow(allowed: readonly Scope[], handler: Handler<GatewayEnv>): Handler<GatewayEnv> {
  return function scoped(c, next) {
    requireScope(c.get('caller'), allowed)
    return handler(c, next)
  }
}
