import type { Context } from 'hono'
import { ServiceError } from '../../contracts/errors.ts'
import { predictLimits } from '../../contracts/http.ts'

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

/** What a body may take of the memory, known before it is read. */
export function announcedBytes(c: Context): number {
  const declared = Number(c.req.header('content-length'))
  const isKnown = c.req.header('transfer-encoding') === undefined && c.req.header('content-encoding') === undefined
  return isKnown && Number.isSafeInteger(declared) ? Math.min(declared, predictLimits.bodyBytes) : predictLimits.bodyBytes
}
