import type { Meter } from '@opentelemetry/api'

/** What the embedded warehouse counts, for `/metrics`. */
export function createWarehouseMetrics(meter: Meter) {
  const faults = meter.createCounter('hindsight_warehouse_faults_total', {
    description: 'Requests that failed for a fault of the front itself.',
  })
  return { onFault: () => faults.add(1) }
}
