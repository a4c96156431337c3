import { ServiceError } from '../contracts/errors.ts'
import type { Project } from '../platform/project/project.ts'
import { compileView, type CompiledView } from './engine/compile-view.ts'

/** Every view of the project, compiled with its source. Throws `invalid_project` for the first that cannot be. */
export function compileProjectViews(project: Project): CompiledView[] {
  return [...project.views.values()].map((view) => {
    const source = project.sources.get(view.source)
    if (source === undefined)
      throw new ServiceError('invalid_project', `feature view ${view.name}: there is no source ${view.source}`, { path: 'source' })
    return compileView(view, source)
  })
}
