import type { Handler } from 'hono'
import { answer } from '../http/answer.ts'
import type { GatewayEnv } from '../http/gateway-env.ts'

/** `GET /livez`: the process answers. */
export const livezRoute: Handler<GatewayEnv> = (c) => c.json({ live: true })

export type ReadyzDeps = { checks(): Promise<Record<string, boolean>>; viewsNotFilled(): Promise<string[] | undefined>; notes(): object }

/** `GET /readyz`: 503 until every check holds, and again while draining. A view that is not filled, or one model of several that is not served, makes no gateway unready: it is so for all of them. */
export function readyzRoute({ checks, viewsNotFilled, notes }: ReadyzDeps): Handler<GatewayEnv> {
  return async function readyz(c) {
    const [results, views_not_filled] = await Promise.all([checks(), viewsNotFilled()])
    const ready = Object.values(results).every(Boolean)
    return c.json({ ready, checks: results, views_not_filled, ...notes() }, ready ? 200 : 503)
  }
}

/** `GET /metrics` in Prometheus text format. */
export function metricsRoute(render: () => Promise<string>): Handler<GatewayEnv> {
  return async (c) => answer(c, { body: await render(), headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' } })
}
