import type { MiddlewareHandler } from 'hono'
import { opaqueId } from '../../contracts/primitives.ts'
import { setAnswerHeader } from './answer-header.ts'
import type { GatewayEnv } from './gateway-env.ts'

/** Stamps the request on arrival and echoes its id as `X-Request-Id`. */
export function requestContext(deps: { now: () => number; tick: () => number; newId: () => string }): MiddlewareHandler<GatewayEnv> {
  return function requestContext(c, next) {
    c.set('receivedTick', deps.tick())
    const requestId = clientId(c.req.header('x-request-id')) ?? deps.newId()
    c.set('requestId', requestId)
    setAnswerHeader(c, 'X-Request-Id', headerSafe(requestId))
    return next()
  }
}

/** The id that a client gives its request by the header `X-Request-Id`. */
export function clientId(header: string | undefined): string | undefined {
  return header !== undefined && opaqueId.safeParse(header).success ? header : undefined
}

/** A request_id may hold any text; a header only Latin-1 without control characters. */
export function headerSafe(id: string): string {
  return /^[\x20-\x7e]+$/.test(id) ? id : encodeURIComponent(id)
}
