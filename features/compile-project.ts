import { ServiceError } from '../contracts/errors.ts'
import type { Project } from '../platform/project/project.ts'
import { compileView, type TileGrid } from './engine/compile-view.ts'

/** The tile grids of every view of the project. Throws `invalid_project` for the first that cannot be. */
export function compileProjectGrids(project: Project): TileGrid[] {
  return [...project.views.values()].flatMap((view) => {
    const source = project.sources.get(view.source)
    if (source === undefined)
      throw new ServiceError('invalid_project', `feature view ${view.name}: there is no source ${view.source}`, { path: 'source' })
    return compileView(view, source).grids
  })
}
