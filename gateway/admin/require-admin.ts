import type { MiddlewareHandler } from 'hono'
import { ServiceError } from '../../contracts/errors.ts'
import { isLoopback } from '../../platform/service/common-config.ts'
import type { Access } from '../access/access.ts'
import { defaultTenant, type Caller, requireScope } from '../http/caller.ts'
import type { GatewayEnv } from '../http/gateway-env.ts'

/** The caller on this machine who sends no key. */
const local: Caller = { name: 'local', tenant: defaultTenant, scopes: new Set(['admin'] as const) }

/**
 * Beyond loopback a key with the scope `admin` is asked for, always. On loopback none is, but one that is sent must be good:
 * what changes is recorded under its name. There the Host must be this machine's, or a page that a browser here shows could
 * send requests under a name that its owner points here.
 */
export function requireAdmin({ access, host }: { access: Access; host: string }): MiddlewareHandler<GatewayEnv> {
  const isLocal = isLoopback(host)
  return function requireAdmin(c, next) {
    const authorization = c.req.header('authorization')
    if (isLocal) refuseOtherHosts(c.req.header('host'))
    const needsNone = isLocal && (authorization === undefined || !access.required)
    c.set('caller', needsNone ? local : callerBehind(access, authorization))
    if (!isLocal) requireScope(c.var.caller, ['admin'])
    return next()
  }
}

function callerBehind(access: Access, authorization: string | undefined): Caller {
  if (access.required) return access.identify(authorization)
  throw new ServiceError('unauthorized', 'there is no API key yet', { hint: 'npx hindsight keys create --scope admin' })
}

/** Throws `forbidden` for a Host header that names another machine; its port, and the brackets of IPv6, do not matter. */
function refuseOtherHosts(host = ''): void {
  if (isLoopback(host.replace(/:\d+$/, '').replace(/^\[|\]$/g, ''))) return
  throw new ServiceError('forbidden', `the Host ${host.slice(0, 200)} is not this machine`)
}
