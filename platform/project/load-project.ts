import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { z } from 'zod'
import { eventSourceDefinition } from '../../contracts/event-source.ts'
import { featureViewDefinition } from '../../contracts/feature-view.ts'
import { labelDefinition } from '../../contracts/label-definition.ts'
import { lookupDefinition } from '../../contracts/lookup.ts'
import type { CheckedKind } from './broken-definitions.ts'
import { checkView } from './check-views.ts'
import { loadModel, type ModelContext, versionFolders } from './load-model.ts'
import { createProblemList, type ProblemList, type Report, toProblem } from './problems.ts'
import type { Project, ProjectModel } from './project.ts'
import { readDefinition } from './read-definition.ts'
import { isReservedView, typedViewName } from './view-names.ts'

/**
 * Reads a project folder whole and cross-checks it. What is wrong stands in `problems` and is left out of the maps;
 * nothing is thrown but for a disk that fails. A version with a problem is refused alone.
 *
 * @example
 * ```ts
 * import { loadProject } from './load-project.ts'
 *
 * const project = await loadProject('models')
 * project.problems // => []
 * project.models.get('flight-delay')?.versions.has('2') // => true
 * ```
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
  const sources = await readFolder(context, 'sources', eventSourceDefinition)
  const labels = await readFolder(context, 'labels', labelDefinition)
  const lookups = await readFolder(context, 'lookups', lookupDefinition)
  const views = await readFolder(context, 'features', featureViewDefinition, (view, report) => checkView(view, sources, report))
  const known = { sources: sources.known, views: views.known, labels: labels.known, lookups: lookups.known }
  const broken = { sources: sources.broken, views: views.broken, labels: labels.broken, lookups: lookups.broken }
  const models = await loadModels({ ...context, definitions: { ...known, broken } }, entries ?? [])
  return { dir: root, ...known, models, problems: problems.problems }
}

async function loadModels(context: ModelContext, entries: readonly Dirent[]): Promise<ReadonlyMap<string, ProjectModel>> {
  const models = new Map<string, ProjectModel>()
  const folders: string[] = []
  for (const entry of entries) if (entry.isDirectory() && (await isModelFolder(context.dir, entry.name))) folders.push(entry.name)
  if (folders.length === 0 && entries.length > 0)
    context.problems.add(toProblem({ file: '.', message: 'the project has no model', hints: ['a model is a folder with a model.yaml'] }))
  for (const folder of folders.toSorted()) {
    const clash = viewClash(folder, models)
    if (clash !== undefined) context.problems.add(toProblem({ file: folder, message: clash, hints: ['rename the model'] }))
    const model = clash === undefined ? await loadModel(context, folder) : undefined
    if (model !== undefined) models.set(folder, model)
  }
  return models
}

const definitionFolders: readonly string[] = ['sources', 'features', 'labels', 'lookups']

/** Whether the folder is meant as a model: it has model.yaml or deployment.yaml, or at least a version. */
async function isModelFolder(dir: string, folder: string): Promise<boolean> {
  if (definitionFolders.includes(folder)) return false
  const files = (await listFolder(`${dir}/${folder}`)) ?? []
  if (files.some(({ name }) => name === 'model.yaml' || name === 'deployment.yaml')) return true
  return !folder.startsWith('.') && (await versionFolders(dir, folder)).length > 0
}

function viewClash(folder: string, models: ReadonlyMap<string, ProjectModel>): string | undefined {
  const view = typedViewName(folder)
  if (isReservedView(view)) return `no model can be called "${folder}": gold.${view} is Hindsight's own`
  const twin = [...models.keys()].find((name) => typedViewName(name) === view)
  return twin && `"${folder}" and "${twin}" would share the view gold.${view}`
}

/**
 * The definitions of a folder that hold to their contract, bear their file's name and pass the check, in the order of
 * the names, and the names of the files that do not.
 */
async function readFolder<T extends { name: string }>(
  { dir, problems }: { dir: string; problems: ProblemList },
  folder: string,
  contract: z.ZodType<T>,
  check: (value: T, report: Report) => boolean = () => true,
): Promise<CheckedKind<T>> {
  const files = (await listFolder(`${dir}/${folder}`)) ?? []
  const known = new Map<string, T>()
  const broken = new Set<string>()
  for (const { name } of files.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (name.endsWith('.yml'))
      problems.add(toProblem({ severity: 'warning', file: `${folder}/${name}`, message: 'is not read: the ending is .yaml' }))
    if (!name.endsWith('.yaml')) continue
    const read = await readDefinition({ dir, problems }, `${folder}/${name}`, contract)
    const wanted = name.slice(0, -'.yaml'.length)
    if (read !== undefined && read.value.name !== wanted) read.report(['name'], `is "${read.value.name}", but the file is ${name}`)
    if (read?.value.name === wanted && check(read.value, read.report)) known.set(wanted, read.value)
    else broken.add(wanted)
  }
  return { known, broken }
}

/** The entries of a folder; undefined where there is no such folder. */
async function listFolder(path: string): Promise<Dirent[] | undefined> {
  try {
    return await readdir(path, { withFileTypes: true })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}
