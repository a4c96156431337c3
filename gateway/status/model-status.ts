import type { ServingModels } from '../predict/serving-model.ts'
import type { Deployer } from '../deploy/deployer.ts'
import { unservedOf } from '../deploy/versions-of.ts'
import type { DeploymentState } from '../metrics/deployment-metrics.ts'
import type { InferenceEngine } from '../inference/inference.ts'
import type { ServedSession } from '../metrics/inference-metrics.ts'

/** A model in a gateway's `/status`. */
export type ModelStatus = {
  model: string
  champion: string
  /** The versions that are loaded and warm. */
  versions: string[]
  /** The reason why a version is refused, by version. */
  refused: Record<string, string>
}

/** The models that a gateway serves, as its `/status` has them. */
export function describeModels(models: ServingModels): ModelStatus[] {
  return [...models].map(([model, { deployment, versions, refused }]) => ({
    model,
    champion: deployment.champion,
    versions: [...versions.keys()],
    refused: Object.fromEntries(refused),
  }))
}

/** The deployment that each model's requests go by now, and how many of its versions are missing. */
export function deploymentStates({ models, waiting }: Pick<Deployer, 'models' | 'waiting'>): DeploymentState[] {
  return [...models].map(([model, serving]) => ({
    model,
    revision: serving.deployment.revision,
    unserved: unservedOf(serving).length,
    waiting: waiting(model) !== undefined,
  }))
}

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
