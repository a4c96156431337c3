import type { Instruments, Series } from '../../platform/service/instruments.ts'
import type { InferenceEngine, SessionStatus } from '../inference/inference.ts'
import type { ServingModels } from '../predict/serving-model.ts'

export type InferenceSource = { inference: Pick<InferenceEngine, 'status'>; models: ServingModels }

const labels = ['model', 'version']

/** What waits and runs now, and how many rows the runs had so far, of each version that is served. */
export function observeInference({ observe }: Instruments, source: InferenceSource): void {
  const each = (read: (status: SessionStatus) => Series['value']) => () => readEach(source, read)
  observe(
    'gauge',
    { name: 'hindsight_inference_queued_rows', description: 'Rows that wait for the model.', labels },
    each(({ queuedRows }) => queuedRows),
  )
  observe(
    'gauge',
    { name: 'hindsight_inference_running', description: 'Runs of the model under way.', labels },
    each(({ running }) => running),
  )
  observe(
    'gauge',
    {
      name: 'hindsight_inference_overdue',
      description: 'Runs that went on long after all deadlines: the version takes no others meanwhile.',
      labels,
    },
    each(({ overdue }) => overdue),
  )
  observe(
    'histogram',
    { name: 'hindsight_inference_batch_rows', description: 'Rows of one run, of one request or several.', labels },
    each(({ batchRows }) => batchRows),
  )
}

function readEach({ inference, models }: InferenceSource, read: (status: SessionStatus) => Series['value']): Series[] {
  const sessions = new Map(inference.status().map((status) => [status.sessionId, status]))
  return [...models].flatMap(([model, { versions }]) =>
    [...versions].flatMap(([version, { sessionId }]) => {
      const status = sessions.get(sessionId)
      return status === undefined ? [] : [{ labels: [model, version], value: read(status) }]
    }),
  )
}
