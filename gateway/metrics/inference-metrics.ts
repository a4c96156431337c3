import type { Instruments, Series } from '../../platform/service/instruments.ts'
import type { SessionStatus } from '../inference/inference.ts'

/** The session of a version that is served, and its state now. */
export type ServedSession = { model: string; version: string; status: SessionStatus }

const labels = ['model', 'version']

/** Shows what waits and runs now, and how many rows the runs had so far, for each version that is served. */
export function observeInference({ observe }: Instruments, readSessions: () => readonly ServedSession[]): void {
  const each = (read: (status: SessionStatus) => Series['value']) => () =>
    readSessions().map(({ model, version, status }) => ({ labels: [model, version], value: read(status) }))
  observe(
    'gauge',
    {
      name: 'hindsight_inference_queued_rows',
      description: 'Rows of requests that wait for a run of the version, by model and version.',
      labels,
    },
    each(({ queuedRows }) => queuedRows),
  )
  observe(
    'gauge',
    { name: 'hindsight_inference_running', description: 'Runs of the version that are under way, by model and version.', labels },
    each(({ running }) => running),
  )
  observe(
    'gauge',
    {
      name: 'hindsight_inference_overdue',
      description: 'Runs of the model that went on long after all deadlines: the version takes no others meanwhile.',
      labels,
    },
    each(({ overdue }) => overdue),
  )
  observe(
    'histogram',
    { name: 'hindsight_inference_batch_rows', description: 'Rows that one run of the model had, of one request or several.', labels },
    each(({ batchRows }) => batchRows),
  )
}
