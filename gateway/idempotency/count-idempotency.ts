import { ServiceError } from '../../contracts/errors.ts'
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts'
import type { Idempotency } from './idempotency.ts'

/** Idempotency that also counts what became of each request. */
export function countIdempotency(idempotency: Idempotency, metrics: Pick<GatewayMetrics, 'idempotent'>): Idempotency {
  return {
    delivered: idempotency.delivered,
    async once(request, compute) {
      try {
        const result = await idempotency.once(request, compute)
        metrics.idempotent(result.replayed ? 'replayed' : 'computed')
        return result
      } catch (error) {
        metrics.idempotent(error instanceof ServiceError ? error.code : 'internal')
        throw error
      }
    },
  }
}
