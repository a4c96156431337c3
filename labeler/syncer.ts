import { canonicalHash } from '../contracts/canonical-json.ts'
import { ServiceError } from '../contracts/errors.ts'
import type { Project, ProjectProblem } from '../platform/project/project.ts'
import type { Warehouse } from '../platform/warehouse/warehouse.ts'
import { type SyncResult, syncLabeler } from './sync.ts'

export type SyncerDeps = { warehouse: Warehouse; loadProject(): Promise<Project>; now(): number }

export type SyncStatus = { synced_at?: string; definitions_sha256?: string; problem?: string }

/** Keeps the warehouse's views at the project's definitions, and remembers the project they were made from. */
export function createSyncer({ warehouse, loadProject, now }: SyncerDeps) {
  let project: Project | undefined
  let status: SyncStatus = {}

  return {
    /**
     * Reads the project and, if its definitions changed, re-creates the views; resolves with what was done, if
     * anything. A project with errors changes nothing while an earlier one is in force.
     */
    async sync(): Promise<SyncResult | undefined> {
      const loaded = await loadProject()
      const hash = definitionsHash(loaded)
      if (hash === status.definitions_sha256) return undefined
      const error = loaded.problems.find(({ severity }) => severity === 'error')
      if (error !== undefined && project !== undefined) {
        status = { ...status, problem: describe(error) }
        throw new ServiceError('invalid_project', `${describe(error)}; the definitions of before stay in force`)
      }
      const result = await syncLabeler(warehouse, loaded, now)
      project = loaded
      status = {
        synced_at: new Date(now()).toISOString(),
        definitions_sha256: hash,
        ...(error !== undefined && { problem: describe(error) }),
      }
      return result
    },
    project: () => project,
    status: () => status,
  }
}

export type Syncer = ReturnType<typeof createSyncer>

/** Changes with everything that the views and typed views are generated from. */
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
