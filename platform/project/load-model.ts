import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalHash } from '../../contracts/canonical-json.ts'
import { deployment as deploymentContract } from '../../contracts/deployment.ts'
import type { LabelDefinition } from '../../contracts/label-definition.ts'
import { modelDefinition, type ModelDefinition, type ModelFeature } from '../../contracts/model-definition.ts'
import { versionName } from '../../contracts/primitives.ts'
import { checkDeployment, checkModel } from './check-model.ts'
import { type Definitions, hashFeatures } from './definition-hashes.ts'
import { loadVersion } from './load-version.ts'
import { type ProblemList, toProblem } from './problems.ts'
import type { ProjectModel, ProjectProblem, ProjectVersion } from './project.ts'
import { type DefinitionFile, readDefinition } from './read-definition.ts'

export type ModelContext = {
  dir: string
  problems: ProblemList
  definitions: Definitions & { labels: ReadonlyMap<string, LabelDefinition> }
}

/** Reads `<model>/`. Undefined when model.yaml or deployment.yaml do not hold; a version that does not is only left out. */
export async function loadModel(context: ModelContext, folder: string): Promise<ProjectModel | undefined> {
  const definition = await loadDefinition(context, folder)
  if (definition === undefined) return undefined
  const features = new Map<string, ModelFeature>(definition.features.map((feature) => [feature.name, feature]))
  const featureHashes = hashFeatures(features, context.definitions)
  const { versions, refused } = await loadVersions(context, { definition, features, featureHashes })
  const deployment = await loadDeployment(context, definition, new Set([...versions.keys(), ...refused.keys()]))
  if (deployment === undefined) return undefined
  return { definition, definitionSha256: canonicalHash(definition), featureHashes, features, deployment, versions, refused }
}

async function loadDefinition({ dir, problems, definitions }: ModelContext, folder: string): Promise<ModelDefinition | undefined> {
  const read = await readRequired({ dir, problems }, `${folder}/model.yaml`, modelDefinition)
  if (read === undefined) return undefined
  const before = problems.problems.length
  if (read.value.name !== folder) read.report(['name'], `is "${read.value.name}", but the folder is "${folder}"`)
  checkModel(read.value, definitions, read)
  return problems.problems.slice(before).some(({ severity }) => severity === 'error') ? undefined : read.value
}

type Loaded = Pick<ProjectModel, 'definition' | 'features' | 'featureHashes'>

async function loadVersions(
  context: ModelContext,
  { definition, features, featureHashes }: Loaded,
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
async function versionFolders(dir: string, model: string): Promise<string[]> {
  const entries = await readdir(join(dir, model), { withFileTypes: true })
  const folders = entries.filter((entry) => entry.isDirectory() && versionName.safeParse(entry.name).success).map(({ name }) => name)
  const held = await Promise.all(folders.map(async (name) => readdir(join(dir, model, name))))
  return folders
    .filter((_, index) => held[index]!.some((file) => file === 'manifest.yaml' || file === 'model.onnx'))
    .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
}

async function loadDeployment({ dir, problems }: ModelContext, model: ModelDefinition, versions: ReadonlySet<string>) {
  const read = await readRequired({ dir, problems }, `${model.name}/deployment.yaml`, deploymentContract)
  if (read === undefined) return undefined
  checkDeployment({ deployment: read.value, model, versions, reports: read })
  return { ...read.value, challengers: [] }
}

async function readRequired<T>(
  context: { dir: string; problems: ProblemList },
  file: string,
  contract: Parameters<typeof readDefinition<T>>[2],
): Promise<DefinitionFile<T> | undefined> {
  try {
    return await readDefinition(context, file, contract)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    context.problems.add(toProblem({ file, message: 'there is no such file' }))
    return undefined
  }
}
