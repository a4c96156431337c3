import { ServiceError } from '../../contracts/errors.ts'

/** Bounds what the bodies in work may weigh together. */
export type ByteBudget = {
  /** Throws `overloaded` when that many more do not fit; what it returns gives them back, once. */
  take(bytes: number): () => void
}

export function createByteBudget(options: { maxBytes: number }): ByteBudget {
  let inWork = 0
  return {
    take(bytes) {
      if (inWork + bytes > options.maxBytes) throw new ServiceError('overloaded', 'the requests under way are too large for one more')
      inWork += bytes
      return () => {
        inWork -= bytes
        bytes = 0
      }
    },
  }
}
