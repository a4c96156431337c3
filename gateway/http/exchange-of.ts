import type { Context } from 'hono'
import type { Exchange } from './exchange.ts'
import { createFetchExchange } from './fetch-exchange.ts'
import type { GatewayEnv } from './gateway-env.ts'
import { NodeExchange } from './node-exchange.ts'

/** The exchange that a handler of Hono's answers: Node's own where a listener gives it. */
export function exchangeOf(c: Context<GatewayEnv>): Exchange {
  const { incoming, outgoing } = c.env ?? {}
  return incoming === undefined || outgoing === undefined
    ? createFetchExchange(c.req.raw, outgoing)
    : new NodeExchange({ incoming, outgoing })
}
