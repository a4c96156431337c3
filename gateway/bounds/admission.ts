import { ServiceError } from '../../contracts/errors.ts'

/** Bounds the requests under way: one more is `overloaded` at once, instead of late. */
export type Admission = {
  readonly inFlight: number
  /** Counts one more in, or throws `overloaded`. */
  enter(): void
  leave(): void
}

export function createAdmission({ maxInFlight }: { maxInFlight: number }): Admission {
  let inFlight = 0
  return {
    get inFlight() {
      return inFlight
    },
    enter() {
      if (inFlight >= maxInFlight) throw new ServiceError('overloaded', `${maxInFlight} requests are under way already`)
      inFlight++
    },
    leave: () => void inFlight--,
  }
}
