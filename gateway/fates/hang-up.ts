import type { Context } from 'hono'
import type { GatewayEnv } from '../http/gateway-env.ts'

/** Tells a listener, once, that the client has hung up. */
export type OnHangUp = (listener: () => void) => void

/** When the request's connection ends before its answer is sent. The request's own signal would be made anew for each, and costs more. */
export function onHangUpOf(c: Context<GatewayEnv>): OnHangUp | undefined {
  const outgoing = c.env?.outgoing
  if (outgoing === undefined) return undefined
  return (listener) => {
    if (outgoing.destroyed) return listener()
    outgoing.once('close', () => {
      if (!outgoing.writableFinished) listener()
    })
  }
}
