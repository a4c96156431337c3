import type { InferenceEngine } from '../inference/inference.ts'
import type { ServedSession } from '../metrics/inference-metrics.ts'
import type { ServingModels } from '../predict/serving-model.ts'

/** The inference sessions of all versions that are served, as they are now. */
export function servedSessions(models: ServingModels, inference: Pick<InferenceEngine, 'status'>): ServedSession[] {
  const sessions = new Map(inference.status().map((status) => [status.sessionId, status]))
  return [...models].flatMap(([model, { versions }]) =>
    [...versions].flatMap(([version, { sessionId }]) => {
      const status = sessions.get(sessionId)
      return status === undefined ? [] : [{ model, version, status }]
    }),
  )
}
