import type { MiddlewareHandler } from 'hono'
import { setAnswerHeader } from './answer-header.ts'
import type { GatewayEnv } from './gateway-env.ts'

/**
 * What a browser is told of every answer: take it for what it says it is, keep it nowhere, show it in no frame, load nothing for
 * it. The documentation page brings its style along.
 */
export const securityHeaderEntries = Object.entries({
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
})

export function securityHeaders(): MiddlewareHandler<GatewayEnv> {
  return function securityHeaders(c, next) {
    for (const [name, value] of securityHeaderEntries) setAnswerHeader(c, name, value)
    return next()
  }
}
