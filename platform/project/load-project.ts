import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { z } from 'zod'
import { eventSourceDefinition } from '../../contracts/event-source.ts'
import { featureViewDefinition } from '../../contracts/feature-view.ts'
import { labelDefinition } from '../../contracts/label-definition.ts'
import { lookupDefinition } from '../../contracts/lookup.ts'
import { checkView } from './check-views.ts'
import { loadModel, type ModelContext } from './load-model.ts'
import { createProblemList, type ProblemList, toProblem } from './problems.ts'
import type { Project, ProjectModel } from './project.ts'
import { type DefinitionFile, readDefinition } from './read-definition.ts'

/**
 * Reads a project folder whole and cross-checks it. What is wrong stands in `problems` and is left out of the maps;
 * nothing is thrown but for a disk that fails. A version with a problem is refused alone.
 */
export async function loadProject(dir: string): Promise<Project> {
  const root = resolve(dir)
  const problems = createProblemList()
  const entries = await listFolder(root)
  if (entries === undefined)
    problems.add(
      toProblem({
        file: '.',
        message: `there is no project folder ${root}`,
        hints: ['say where with --project DIR or HINDSIGHT_PROJECT_DIR'],
      }),
    )
  const context = { dir: root, problems }
  const sources = valuesOf(await readFolder(context, 'sources', eventSourceDefinition))
  const labels = valuesOf(await readFolder(context, 'labels', labelDefinition))
  const lookups = valuesOf(await readFolder(context, 'lookups', lookupDefinition))
  const viewFiles = await readFolder(context, 'features', featureViewDefinition)
  const views = valuesOf(viewFiles.filter(({ value, report }) => checkView(value, sources, report)))
  const models = await loadModels({ ...context, definitions: { sources, views, lookups, labels } }, entries ?? [])
  return { dir: root, sources, views, labels, lookups, models, problems: problems.problems }
}

async function loadModels(context: ModelContext, entries: readonly Dirent[]): Promise<ReadonlyMap<string, ProjectModel>> {
  const models = new Map<string, ProjectModel>()
  const folders: string[] = []
  for (const entry of entries) if (entry.isDirectory() && (await isModelFolder(`${context.dir}/${entry.name}`))) folders.push(entry.name)
  if (folders.length === 0 && entries.length > 0)
    context.problems.add(toProblem({ file: '.', message: 'the project has no model', hints: ['a model is a folder with a model.yaml'] }))
  for (const folder of folders.toSorted()) {
    const twin = [...models.keys()].find((name) => columnForm(name) === columnForm(folder))
    if (twin !== undefined)
      context.problems.add(toProblem({ file: folder, message: `"${folder}" and "${twin}" would share the view gold.${columnForm(twin)}` }))
    const model = twin === undefined ? await loadModel(context, folder) : undefined
    if (model !== undefined) models.set(folder, model)
  }
  return models
}

async function isModelFolder(path: string): Promise<boolean> {
  const files = (await listFolder(path)) ?? []
  return files.some(({ name }) => name === 'model.yaml' || name === 'deployment.yaml')
}

function columnForm(model: string): string {
  return model.replaceAll('-', '_')
}

/** Every definition of a folder that holds to its contract and bears its file's name, in the order of the names. */
async function readFolder<T extends { name: string }>(
  { dir, problems }: { dir: string; problems: ProblemList },
  folder: string,
  contract: z.ZodType<T>,
): Promise<DefinitionFile<T>[]> {
  const files = (await listFolder(`${dir}/${folder}`)) ?? []
  const definitions: DefinitionFile<T>[] = []
  for (const { name } of files.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (name.endsWith('.yml'))
      problems.add(toProblem({ severity: 'warning', file: `${folder}/${name}`, message: 'is not read: the ending is .yaml' }))
    if (!name.endsWith('.yaml')) continue
    const read = await readDefinition({ dir, problems }, `${folder}/${name}`, contract)
    if (read !== undefined && read.value.name !== name.slice(0, -'.yaml'.length))
      read.report(['name'], `is "${read.value.name}", but the file is ${name}`)
    else if (read !== undefined) definitions.push(read)
  }
  return definitions
}

function valuesOf<T extends { name: string }>(files: readonly DefinitionFile<T>[]): ReadonlyMap<string, T> {
  return new Map(files.map(({ value }) => [value.name, value]))
}

/** Undefined where there is no such folder. */
async function listFolder(path: string): Promise<Dirent[] | undefined> {
  try {
    return await readdir(path, { withFileTypes: true })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}
