import type { MiddlewareHandler } from 'hono'
import { ServiceError } from '../../contracts/errors.ts'
import type { GatewayEnv } from '../http/gateway-env.ts'
import type { Caller } from '../http/caller.ts'
import { createTokenBucket, type TokenBucket } from './token-bucket.ts'

type CallerUsage = { bucket: TokenBucket | undefined; inFlight: number; rate: Caller['rate'] }

/** Holds each key to its rate and to its requests at once, in this process; one more is `rate_limited` with the time to wait. */
export function createCallerLimits(deps: { tick: () => number }): MiddlewareHandler<GatewayEnv> {
  const uses = new Map<string, CallerUsage>()

  function useOf({ keyId = '', rate }: Caller): CallerUsage {
    const use = uses.get(keyId) ?? { bucket: undefined, inFlight: 0, rate: undefined }
    uses.set(keyId, use)
    if (isSame(use.rate, rate)) return use
    return Object.assign(use, { rate, bucket: rate && createTokenBucket({ ...rate, tick: deps.tick }) })
  }

  return async function callerLimits(c, next) {
    const caller = c.get('caller')
    if (caller.rate === undefined && caller.maxConcurrent === undefined) return next()
    const use = useOf(caller)
    if (caller.maxConcurrent !== undefined && use.inFlight >= caller.maxConcurrent)
      throw limited(`${caller.maxConcurrent} requests of this key are under way already`, 1)
    const waitSeconds = use.bucket?.take() ?? 0
    if (waitSeconds > 0) throw limited(`the key's rate of ${caller.rate?.requestsPerSecond} requests/s is used up`, waitSeconds)
    use.inFlight++
    try {
      await next()
    } finally {
      use.inFlight--
    }
  }
}

function isSame(a: Caller['rate'], b: Caller['rate']): boolean {
  return a?.requestsPerSecond === b?.requestsPerSecond && a?.burst === b?.burst
}

function limited(message: string, waitSeconds: number): ServiceError {
  return new ServiceError('rate_limited', message, { retryAfterSeconds: Math.ceil(waitSeconds) })
}
