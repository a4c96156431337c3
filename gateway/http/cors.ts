import type { MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import { headerLengthName } from '../../contracts/v2.ts'
import type { GatewayEnv } from './gateway-env.ts'

/** How long a browser may remember what it was allowed. */
const preflightSeconds = 600

/** The headers of an answer that a page may read. */
const exposeHeaders = ['X-Request-Id', 'Retry-After', 'Accept-Encoding', 'Idempotency-Replayed', headerLengthName]

/** Lets pages of exactly these origins call the API, with a key in `Authorization`; never with cookies, which nothing here reads. */
export function allowOrigins(origins: readonly string[]): MiddlewareHandler<GatewayEnv> {
  return cors({
    origin: [...origins],
    allowMethods: ['GET', 'POST'],
    allowHeaders: ['Authorization', 'Content-Type', 'Content-Encoding', 'Idempotency-Key', 'X-Request-Id', 'Traceparent', headerLengthName],
    exposeHeaders,
    maxAge: preflightSeconds,
  })
}

/** What `allowOrigins` adds to an answer that is no preflight's, to a page of this origin and to any other client. */
export function corsHeaders(allowedOrigin?: string): Record<string, string> {
  return {
    ...(allowedOrigin !== undefined && { 'Access-Control-Allow-Origin': allowedOrigin }),
    'Access-Control-Expose-Headers': exposeHeaders.join(','),
  }
}
