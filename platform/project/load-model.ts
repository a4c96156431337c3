import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalHash } from '../../contracts/canonical-json.ts'
import { deployment as deploymentContract } from '../../contracts/deployment.ts'
import type { LabelDefinition } from '../../contracts/label-definition.ts'
import { modelDefinition, type ModelDefinition, type ModelFeature } from '../../contracts/model-definition.ts'
import { versionName } from '../../contracts/primitives.ts'
import { refersToBroken } from './broken-definitions.ts'
import type { CheckedDefinitions } from './check-features.ts'
import { checkDeployment, checkModel } from './check-model.ts'
import { hashFeatures } from './definition-hashes.ts'
import { windowsOf } from './feature-windows.ts'
import { loadVersion } from './load-version.ts'
import type { ProblemList } from './problems.ts'
import type { ProjectModel, ProjectProblem, ProjectVersion } from './project.ts'
import { readDefinition } from './read-definition.ts'

export type ModelContext = {
  dir: string
  problems: ProblemList
  definitions: CheckedDefinitions & { labels: ReadonlyMap<string, LabelDefinition> }
}

const requiredFiles = 'every model has its model.yaml and deployment.yaml'

/** Reads `<model>/`. Undefined when model.yaml, deployment.yaml or a definition it refers to do not hold; a version that does not is only left out. */
export async function loadModel(context: ModelContext, folder: string): Promise<ProjectModel | undefined> {
  const definition = await loadDefinition(context, folder)
  if (definition === undefined) return undefined
  const features = new Map<string, ModelFeature>(definition.features.map((feature) => [feature.name, feature]))
  const featureHashes = hashFeatures(features, context.definitions)
  const featureWindows = windowsOf(features, context.definitions)
  const { versions, refused } = await loadVersions(context, { definition, features, featureHashes })
  const deployment = await loadDeployment(context, definition, new Set([...versions.keys(), ...refused.keys()]))
  if (deployment === undefined) return undefined
  const { categories } = context.definitions.labels.get(definition.primary_label) ?? {}
  return {
    definition,
    categories,
    definitionSha256: canonicalHash(definition),
    featureHashes,
    features,
    featureWindows,
    deployment,
    versions,
    refused,
  }
}

async function loadDefinition({ dir, problems, definitions }: ModelContext, folder: string): Promise<ModelDefinition | undefined> {
  const read = await readDefinition({ dir, problems }, `${folder}/model.yaml`, modelDefinition, requiredFiles)
  if (read === undefined) return undefined
  const before = problems.problems.length
  if (read.value.name !== folder) read.report(['name'], `is "${read.value.name}", but the folder is "${folder}"`)
  checkModel(read.value, definitions, read)
  const failed = problems.problems.slice(before).some(({ severity }) => severity === 'error')
  return failed || refersToBroken(read.value, definitions.broken) ? undefined : read.value
}

type LoadedModel = Pick<ProjectModel, 'definition' | 'features' | 'featureHashes'>

async function loadVersions(
  context: ModelContext,
  { definition, features, featureHashes }: LoadedModel,
): Promise<Pick<ProjectModel, 'versions' | 'refused'>> {
  const versions = new Map<string, ProjectVersion>()
  const refused = new Map<string, ProjectProblem>()
  for (const version of await versionFolders(context.dir, definition.name)) {
    const loaded = await loadVersion({ ...context, model: definition, version, features, featureHashes })
    if ('message' in loaded) refused.set(version, loaded)
    else versions.set(version, loaded)
  }
  return { versions, refused }
}

/** The folders that hold a manifest or an ONNX file, in natural order: 2 before 10. */
export async function versionFolders(dir: string, model: string): Promise<string[]> {
  const entries = await readdir(join(dir, model), { withFileTypes: true })
  const folders = entries.filter((entry) => entry.isDirectory() && versionName.safeParse(entry.name).success).map(({ name }) => name)
  const held = await Promise.all(folders.map(async (name) => readdir(join(dir, model, name))))
  return folders
    .filter((_, index) => held[index]!.some((file) => file === 'manifest.yaml' || file === 'model.onnx'))
    .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
}

async function loadDeployment({ dir, problems }: ModelContext, model: ModelDefinition, versions: ReadonlySet<string>) {
  const read = await readDefinition({ dir, problems }, `${model.name}/deployment.yaml`, deploymentContract, requiredFiles)
  if (read === undefined) return undefined
  checkDeployment({ deployment: read.value, model, versions, reports: read })
  return read.value
}
