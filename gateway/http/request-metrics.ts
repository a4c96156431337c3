import type { MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts'
import type { GatewayEnv } from './gateway-env.ts'

/** Counts every answer by the route's pattern, never by the path: ids in labels would have no bound. */
export function requestMetrics(deps: { metrics: GatewayMetrics; tick: () => number }): MiddlewareHandler<GatewayEnv> {
  return async function requestMetrics(c, next) {
    await next()
    const route = matchedRoutes(c).findLast(({ path }) => !path.endsWith('*'))?.path ?? 'none'
    const labels = { route, method: c.req.method, status: c.res.status, code: c.get('errorCode') ?? '' }
    deps.metrics.request(labels, deps.tick() - c.get('receivedTick'))
  }
}
