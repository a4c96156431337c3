import type { ServingModels } from '../predict/serving-model.ts'

/** A model in a gateway's `/status`. */
export type ModelStatus = {
  model: string
  champion: string
  /** Loaded and warm. */
  versions: string[]
  /** Why, by version. */
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
