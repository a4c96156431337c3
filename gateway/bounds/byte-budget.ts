import { ServiceError } from '../../contracts/errors.ts'

/** Bounds what the bodies in work may weigh together. */
export type ByteBudget = {
  /** Throws `overloaded` when that many more do not fit. */
  take(bytes: number): void
  giveBack(bytes: number): void
}

export function createByteBudget({ maxBytes }: { maxBytes: number }): ByteBudget {
  let inWork = 0
  return {
    take(bytes) {
      if (inWork + bytes > maxBytes) throw new ServiceError('overloaded', 'the requests under way are too large for one more')
      inWork += bytes
    },
    giveBack: (bytes) => void (inWork -= bytes),
  }
}
