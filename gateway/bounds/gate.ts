import type { Admission } from './admission.ts'
import type { CallerLimits, CallerUse, LimitedCaller } from './caller-limits.ts'

/** Lets a request in that its caller's limits and the bound on all requests allow, and counts it until it leaves. */
export type Gate = {
  /** Throws `rate_limited` or `overloaded`. What it returns is for `leave`. */
  enter(caller: LimitedCaller): CallerUse | undefined
  leave(use: CallerUse | undefined): void
}

export function createGate({ callerLimits, admission }: { callerLimits: CallerLimits; admission: Admission }): Gate {
  return {
    enter(caller) {
      const use = callerLimits.enter(caller)
      try {
        admission.enter()
      } catch (error) {
        callerLimits.leave(use)
        throw error
      }
      return use
    },
    leave(use) {
      admission.leave()
      callerLimits.leave(use)
    },
  }
}
