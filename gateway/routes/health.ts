import type { Handler } from 'hono'
import { answer } from '../http/answer.ts'
import type { GatewayEnv } from '../http/gateway-env.ts'
import type { Readiness } from '../status/readiness.ts'

/** `GET /livez`: the process answers. */
export const livezRoute: Handler<GatewayEnv> = (c) => c.json({ live: true })

export type ReadyzDeps = Pick<Readiness, 'checks' | 'notes'>

/**
 * `GET /readyz`: 503 until every check holds, and again while draining. A view that is not filled, or one model of
 * several that is not served, makes no gateway unready: it is so for all of them.
 */
export function readyzRoute({ checks, notes }: ReadyzDeps): Handler<GatewayEnv> {
  return async function readyz(c) {
    const [results, beside] = await Promise.all([checks(), notes()])
    const ready = Object.values(results).every(Boolean)
    return c.json({ ready, checks: results, ...beside }, ready ? 200 : 503)
  }
}

/** `GET /metrics` in Prometheus text format. */
export function metricsRoute(render: () => Promise<string>): Handler<GatewayEnv> {
  return async (c) => answer(c, { body: await render(), headers: { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' } })
}
