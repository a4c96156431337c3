import { canonicalHash } from '../contracts/canonical-json.ts'
import { ServiceError } from '../contracts/errors.ts'
import type { Project, ProjectProblem } from '../platform/project/project.ts'
import type { Warehouse } from '../platform/warehouse/warehouse.ts'
import { type SyncResult, syncLabeler } from './sync.ts'

export type SyncerDeps = { warehouse: Warehouse; loadProject(): Promise<Project>; now(): number }

export type SyncStatus = {
  synced_at?: string
  definitions_sha256?: string
  problem?: string
  /** Models that have no typed view, and why. */
  without_view?: Record<string, string>
}

/** Keeps the warehouse's views at the project's definitions, and remembers the project they were made from. */
export function createSyncer({ warehouse, loadProject, now }: SyncerDeps) {
  let project: Project | undefined
  let status: SyncStatus = {}

  return {
    /**
     * Reads the project and, if its definitions changed, re-creates the views; resolves with what was done, if
     * anything. Errors in what models share change nothing while an earlier project is in force; those of a model leave the
     * model as it was, or out.
     */
    async sync(): Promise<SyncResult | undefined> {
      const read = await loadProject()
      const loaded = project === undefined ? read : withModelsOfBefore(read, project)
      const hash = definitionsHash(loaded)
      if (hash === status.definitions_sha256) return undefined
      const error = read.problems.find(isShared) ?? read.problems.find(({ severity }) => severity === 'error')
      if (project !== undefined && error !== undefined && isShared(error)) {
        status = { ...status, problem: describe(error) }
        throw new ServiceError('invalid_project', `${describe(error)}; the definitions of before stay in force`)
      }
      const result = await syncLabeler(warehouse, loaded, now)
      project = loaded
      status = {
        synced_at: new Date(now()).toISOString(),
        definitions_sha256: hash,
        ...(error !== undefined && { problem: describe(error) }),
        ...(Object.keys(result.withoutView).length > 0 && { without_view: result.withoutView }),
      }
      return result
    },
    project: () => project,
    status: () => status,
  }
}

export type Syncer = ReturnType<typeof createSyncer>

const sharedFolders = ['sources/', 'features/', 'labels/', 'lookups/', '.']

function isShared({ severity, file }: ProjectProblem): boolean {
  return severity === 'error' && sharedFolders.some((folder) => file.startsWith(folder))
}

/** A model that does not hold any more keeps its views: its folder may be half copied. */
function withModelsOfBefore(read: Project, before: Project): Project {
  const broken = [...before.models].filter(
    ([name]) => !read.models.has(name) && read.problems.some(({ severity, file }) => severity === 'error' && file.startsWith(`${name}/`)),
  )
  return { ...read, models: new Map([...read.models, ...broken]) }
}

/** A hash of everything that the views and typed views are generated from. */
function definitionsHash(project: Project): string {
  return canonicalHash({
    labels: [...project.labels.values()],
    models: [...project.models.values()].map(({ definition }) => definition),
    views: [...project.views.values()],
    sources: [...project.sources.values()],
  })
}

function describe({ file, path, message }: ProjectProblem): string {
  return `${file}${path === undefined ? '' : ` (${path})`}: ${message}`
}
