import { ServiceError } from '../../contracts/errors.ts'
import { createTokenBucket, type TokenBucket } from './token-bucket.ts'

/** What a caller may take over time and at once; absent is without limit. The key's id is whose limits they are. */
export type LimitedCaller = {
  keyId?: string
  rate?: { requestsPerSecond: number; burst: number } | undefined
  maxConcurrent?: number | undefined
}

/** What a caller takes at the moment. */
export type CallerUse = { bucket: TokenBucket | undefined; inFlight: number; rate: LimitedCaller['rate'] }

/** Holds each key to its rate and to its requests at once, in this process. */
export type CallerLimits = {
  /** Counts one more in, or throws `rate_limited` with the time to wait. Undefined for a caller without limits. */
  enter(caller: LimitedCaller): CallerUse | undefined
  leave(use: CallerUse | undefined): void
}

export function createCallerLimits(deps: { tick: () => number }): CallerLimits {
  const uses = new Map<string, CallerUse>()

  function useOf({ keyId = '', rate }: LimitedCaller): CallerUse {
    const use = uses.get(keyId) ?? { bucket: undefined, inFlight: 0, rate: undefined }
    uses.set(keyId, use)
    if (isSame(use.rate, rate)) return use
    return Object.assign(use, { rate, bucket: rate && createTokenBucket({ ...rate, tick: deps.tick }) })
  }

  return {
    enter(caller) {
      if (caller.rate === undefined && caller.maxConcurrent === undefined) return undefined
      const use = useOf(caller)
      if (caller.maxConcurrent !== undefined && use.inFlight >= caller.maxConcurrent)
        throw limited(`${caller.maxConcurrent} requests of this key are under way already`, 1)
      const waitSeconds = use.bucket?.take() ?? 0
      if (waitSeconds > 0) throw limited(`the key's rate of ${caller.rate?.requestsPerSecond} requests/s is used up`, waitSeconds)
      use.inFlight++
      return use
    },
    leave(use) {
      if (use !== undefined) use.inFlight--
    },
  }
}

function isSame(a: LimitedCaller['rate'], b: LimitedCaller['rate']): boolean {
  return a?.requestsPerSecond === b?.requestsPerSecond && a?.burst === b?.burst
}

function limited(message: string, waitSeconds: number): ServiceError {
  return new ServiceError('rate_limited', message, { retryAfterSeconds: Math.ceil(waitSeconds) })
}
