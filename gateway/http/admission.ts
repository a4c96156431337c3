import type { MiddlewareHandler } from 'hono'
import { ServiceError } from '../../contracts/errors.ts'
import type { GatewayEnv } from './gateway-env.ts'

/** How many requests are under way, and whether more are taken. */
export type Admission = {
  readonly inFlight: number
  readonly draining: boolean
  /** From now on requests are refused with `draining`; resolves when those under way are answered. */
  drain(): Promise<void>
  middleware: MiddlewareHandler<GatewayEnv>
}

/** Bounds the requests under way: one more is `overloaded` at once, instead of late. */
export function createAdmission(options: { maxInFlight: number }): Admission {
  let inFlight = 0
  let draining = false
  let idle: (() => void) | undefined

  return {
    get inFlight() {
      return inFlight
    },
    get draining() {
      return draining
    },
    async drain() {
      draining = true
      if (inFlight > 0) await new Promise<void>((resolve) => (idle = resolve))
    },
    async middleware(_c, next) {
      if (draining) throw new ServiceError('draining', 'the gateway is shutting down')
      if (inFlight >= options.maxInFlight) throw new ServiceError('overloaded', `${options.maxInFlight} requests are under way already`)
      inFlight++
      try {
        await next()
      } finally {
        inFlight--
        if (inFlight === 0) idle?.()
      }
    },
  }
}
