import type { MiddlewareHandler } from 'hono'
import { ServiceError } from '../../contracts/errors.ts'
import type { GatewayEnv } from './gateway-env.ts'

/** How many requests are under way, and whether one more is taken. */
export type Admission = { readonly inFlight: number; middleware: MiddlewareHandler<GatewayEnv> }

/** Bounds the requests under way: one more is `overloaded` at once, instead of late. */
export function createAdmission(options: { maxInFlight: number }): Admission {
  let inFlight = 0
  return {
    get inFlight() {
      return inFlight
    },
    async middleware(_c, next) {
      if (inFlight >= options.maxInFlight) throw new ServiceError('overloaded', `${options.maxInFlight} requests are under way already`)
      inFlight++
      try {
        await next()
      } finally {
        inFlight--
      }
    },
  }
}
