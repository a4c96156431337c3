import type { Logger } from 'pino'
import type { Project, ProjectModel, ProjectProblem, ProjectVersion } from '../../platform/project/project.ts'
import { findGoldenMismatch, toSample } from '../inference/golden.ts'
import type { InferenceEngine } from '../inference/inference.ts'
import { findTensorMismatches } from '../inference/verify-tensors.ts'
import type { ServingModel, ServingModels, ServingVersion, VersionFacts } from './serving-model.ts'
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
 * Loads every version of the project: its session, its tensors against the manifest, its golden requests. A version
 * that fails is refused with the reason, and the others serve.
 */
export async function warmUp(deps: WarmUpDeps, project: Pick<Project, 'models'>): Promise<ServingModels> {
  const models = new Map<string, ServingModel>()
  for (const [name, model] of project.models) models.set(name, await warmUpModel(deps, model))
  return models
}

async function warmUpModel(deps: WarmUpDeps, project: ProjectModel): Promise<ServingModel> {
  const versions = new Map<string, ServingVersion>()
  const refused = new Map([...project.refused].map(([version, problem]) => [version, describe(problem)]))
  for (const [name, version] of project.versions) {
    try {
      versions.set(name, await load(deps, project, version))
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      refused.set(name, reason)
      deps.logger.error({ model: project.definition.name, version: name }, `version refused: ${reason}`)
    }
  }
  return { project, deployment: project.deployment, versions, refused }
}

function describe({ file, path, message }: ProjectProblem): string {
  return path === undefined ? `${file}: ${message}` : `${file}: ${path}: ${message}`
}

async function load(deps: WarmUpDeps, model: ProjectModel, version: ProjectVersion): Promise<ServingVersion> {
  const { manifest, modelFile, modelSha256 } = version
  const sessionId = `${version.model}/${version.version}`
  const { inference } = deps
  const session = await inference.load({ id: sessionId, modelFile, modelSha256, settings: model.definition.inference })
  const mismatches = findTensorMismatches(manifest, session)
  if (mismatches.length > 0) throw new Error(mismatches.join('; '))
  const golden = await findGoldenMismatch({ inference, sessionId, manifest, definition: model.definition, now: deps.now })
  if (golden !== undefined) throw new Error(golden)
  const plan = await inference.prepare(sessionId, toSample(manifest))
  return {
    model,
    version,
    sessionId,
    tensors: { inputs: session.inputs, outputs: session.outputs },
    plan,
    passedOver: session.passedOver,
    features: takeSentRows(deps.createFeatures(model, version), model, version),
    facts: toFacts(deps, { model, version, executionProvider: session.executionProvider }),
  }
}

type Loaded = { model: ProjectModel; version: ProjectVersion; executionProvider: string }

function toFacts(deps: WarmUpDeps, { model, version, executionProvider }: Loaded): VersionFacts {
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
