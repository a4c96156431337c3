import type { Context, MiddlewareHandler } from 'hono'
import { opaqueId } from '../../contracts/primitives.ts'
import { setAnswerHeader } from './answer-header.ts'
import type { GatewayEnv } from './gateway-env.ts'

/** Stamps the request on arrival and echoes its id as `X-Request-Id`. */
export function requestContext(deps: { now: () => number; tick: () => number; newId: () => string }): MiddlewareHandler<GatewayEnv> {
  return function requestContext(c, next) {
    c.set('receivedAtMs', deps.now())
    c.set('receivedTick', deps.tick())
    const given = clientId(c.req.header('x-request-id'))
    setRequestId(c, given ?? deps.newId(), given !== undefined)
    return next()
  }
}

/** To be called before the answer is made. */
export function setRequestId(c: Context<GatewayEnv>, id: string, given = true): void {
  c.set('requestId', id)
  c.set('requestIdGiven', given)
  setAnswerHeader(c, 'X-Request-Id', headerSafe(id))
}

function clientId(header: string | undefined): string | undefined {
  return header !== undefined && opaqueId.safeParse(header).success ? header : undefined
}

/** A request_id may hold any text; a header only Latin-1 without control characters. */
function headerSafe(id: string): string {
  return /^[\x20-\x7e]+$/.test(id) ? id : encodeURIComponent(id)
}
