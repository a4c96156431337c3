import { ServiceError } from '../../contracts/errors.ts'
import { knownNames } from '../../platform/text/known-names.ts'
import type { Deployment } from '../../contracts/deployment.ts'
import type { ModelDefinition } from '../../contracts/model-definition.ts'
import type { VersionManifest } from '../../contracts/version-manifest.ts'
import type { ProjectModel } from '../../platform/project/project.ts'
import type { SessionInfo, SessionPlan, TensorInfo } from '../inference/inference.ts'
import type { PredictionEvent } from '../../contracts/prediction-event.ts'
import type { Uses } from './uses.ts'
import type { VersionFeatures } from './version-features.ts'

/** What every event of a version says alike. */
export type VersionFacts = Pick<
  PredictionEvent,
  | 'schema_version'
  | 'model'
  | 'model_version'
  | 'model_sha256'
  | 'manifest_sha256'
  | 'model_definition_sha256'
  | 'feature_set_sha256'
  | 'code_version'
  | 'execution_provider'
  | 'purposes'
  | 'region'
  | 'data_category'
>

/** A version that is loaded, verified and warm. */
export type ServingVersion = {
  /** The `model.yaml` of the version's model. */
  definition: ModelDefinition
  version: string
  manifest: VersionManifest
  sessionId: string
  /** The file's own word on its tensors. */
  tensors: { inputs: readonly TensorInfo[]; outputs: readonly TensorInfo[] }
  /** How it is run, and the execution providers passed over for the one it runs on. */
  plan: SessionPlan
  passedOver: SessionInfo['passedOver']
  features: VersionFeatures
  facts: VersionFacts
}

/**
 * A model as requests find it: one deployment, with the versions that can answer, and why the others cannot. A swap puts
 * another in its place; whoever found this one keeps to it, and holds `uses` until done.
 */
export type ServingModel = {
  definition: ModelDefinition
  projectModel: ProjectModel
  /** The deployment in force. */
  deployment: Deployment
  versions: ReadonlyMap<string, ServingVersion>
  /** The reason why a version is refused, by version. */
  refused: ReadonlyMap<string, string>
  uses: Uses
}

export type ServingModels = ReadonlyMap<string, ServingModel>

/** @throws ServiceError `unknown_model`, with the nearest names that there are. */
export function findModel(models: ServingModels, name: string): ServingModel {
  const model = models.get(name)
  if (model !== undefined) return model
  const shown = name.slice(0, 64)
  throw new ServiceError('unknown_model', `the project has no model ${shown}`, { hint: knownNames(shown, models.keys()) })
}
