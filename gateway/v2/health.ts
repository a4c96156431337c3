import type { Handler } from 'hono'
import type { GatewayEnv } from '../http/gateway-env.ts'

type Checks = () => Promise<Record<string, boolean>>

/** `GET /v2/health/live` */
export const v2LiveRoute: Handler<GatewayEnv> = (c) => c.json({ live: true })

/** `GET /v2/health/ready`: as `/readyz`, in the protocol's words. Some clients read the status, others the body. */
export function v2ReadyRoute(checks: Checks): Handler<GatewayEnv> {
  return async function v2Ready(c) {
    const ready = await allHold(checks)
    return c.json({ live: true, ready }, ready ? 200 : 503)
  }
}

export async function allHold(checks: Checks): Promise<boolean> {
  return Object.values(await checks()).every(Boolean)
}
