import type { Meter } from '@opentelemetry/api'

/** What the embedded warehouse counts, for `/metrics`. */
export function createWarehouseMetrics(meter: Meter) {
  const faults = meter.createCounter('hindsight_warehouse_faults_total', {
    description: 'Requests to the embedded warehouse that failed for a fault of its HTTP front.',
  })
  return { onFault: () => faults.add(1) }
}
