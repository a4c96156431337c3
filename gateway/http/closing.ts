import type { MiddlewareHandler } from 'hono'
import type { GatewayEnv } from './gateway-env.ts'

/**
 * The way to the end. `draining`: `/readyz` says so and all is answered, for a load balancer that has not noticed yet.
 * `closing`: connections end, and what need not be waited for is not.
 */
export type Phase = 'serving' | 'draining' | 'closing'

/** The state of a gateway that ends. From `draining` on every answer asks for its connection to be closed: the next request of that client goes elsewhere. */
export type Closing = {
  readonly phase: Phase
  enter(phase: Phase): void
}

export function createClosing(): Closing {
  let phase: Phase = 'serving'
  return {
    get phase() {
      return phase
    },
    enter: (next) => void (phase = next),
  }
}

export function closeConnections(closing: Closing): MiddlewareHandler<GatewayEnv> {
  return async function closeConnections(c, next) {
    await next()
    if (closing.phase !== 'serving') c.header('Connection', 'close')
  }
}
