import type { Instruments } from '../../platform/service/instruments.ts'
import type { WorkerState } from './worker.ts'

/** Shows the state of each worker; these metrics exist with GATEWAY_WORKERS only. */
export function observeWorkers({ observe }: Instruments, states: () => readonly WorkerState[]): void {
  const up = {
    name: 'hindsight_gateway_worker_up',
    description: '1 while a worker process of the gateway is ready, else 0.',
    labels: ['worker'],
  }
  observe('gauge', up, () => states().map(({ writerId, ready }) => ({ labels: [writerId], value: ready ? 1 : 0 })))
  const restarts = {
    name: 'hindsight_gateway_worker_restarts_total',
    description: 'How often a worker process of the gateway ended unasked and was started again.',
    labels: ['worker'],
  }
  observe('counter', restarts, () => states().map(({ writerId, restarts: count }) => ({ labels: [writerId], value: count })))
}
