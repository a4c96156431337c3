import type { Logger } from 'pino'
import type { ProjectModel, ProjectVersion } from '../../platform/project/project.ts'
import { toSample } from '../inference/golden.ts'
import type { InferenceEngine } from '../inference/inference.ts'
import { openVersion, sessionIdOf, VersionFault } from '../inference/verify-version.ts'
import type { ServingVersion, VersionFacts } from './serving-model.ts'
import { takeSentRows } from './sent-row.ts'
import type { VersionFeatures } from './version-features.ts'

export type WarmUpDeps = {
  inference: InferenceEngine
  logger: Logger
  codeVersion: string
  now: () => number
  createFeatures(model: ProjectModel, version: ProjectVersion): VersionFeatures
}

/**
 * Loads a version: its session, its golden requests, how it is run. Rejects with the reason when one does not hold, and
 * leaves no session then.
 */
export async function loadVersion(deps: WarmUpDeps, model: ProjectModel, version: ProjectVersion): Promise<ServingVersion> {
  try {
    return await load(deps, model, version)
  } catch (error) {
    await deps.inference.unload(sessionIdOf(version))
    if (error instanceof VersionFault) throw new Error(`${error.path}: ${error.message}`, { cause: error })
    throw error
  }
}

async function load(deps: WarmUpDeps, model: ProjectModel, version: ProjectVersion): Promise<ServingVersion> {
  const sessionId = sessionIdOf(version)
  const session = await openVersion(deps, model, version)
  const plan = await deps.inference.prepare(sessionId, toSample(version.manifest))
  return {
    definition: model.definition,
    version: version.version,
    manifest: version.manifest,
    sessionId,
    tensors: { inputs: session.inputs, outputs: session.outputs },
    plan,
    passedOver: session.passedOver,
    features: takeSentRows(deps.createFeatures(model, version), model, version),
    facts: toFacts(deps, { model, version, executionProvider: session.executionProvider }),
  }
}

type LoadedVersion = { model: ProjectModel; version: ProjectVersion; executionProvider: string }

function toFacts(deps: WarmUpDeps, { model, version, executionProvider }: LoadedVersion): VersionFacts {
  const { name, governance } = model.definition
  return {
    schema_version: 1,
    model: name,
    model_version: version.version,
    model_sha256: version.modelSha256,
    manifest_sha256: version.manifestSha256,
    model_definition_sha256: model.definitionSha256,
    feature_set_sha256: version.manifest.feature_set_sha256,
    code_version: deps.codeVersion,
    execution_provider: executionProvider,
    purposes: governance.purposes,
    ...(governance.region !== undefined && { region: governance.region }),
    ...(governance.data_category !== undefined && { data_category: governance.data_category }),
  }
}
