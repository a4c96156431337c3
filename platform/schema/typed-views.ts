import { ServiceError } from '../../contracts/errors.ts'
import type { Project } from '../project/project.ts'
import { isReservedView, typedViewName } from '../project/view-names.ts'
import type { Warehouse } from '../warehouse/warehouse.ts'
import { quoteName, quoteString } from './sql-text.ts'
import { type BaseColumn, typedViewColumns, type ViewColumn } from './typed-view-columns.ts'

export type TypedViews = {
  /** The views that exist now. */
  names: string[]
  /** Models without one, and why. */
  failed: Record<string, string>
}

/**
 * Re-creates `gold.<model>` for every model of the project and drops those of models that are gone. A model whose view
 * cannot be is without one; the others are not affected. `gold.predictions` must exist.
 */
export async function createTypedViews(warehouse: Warehouse, project: Project): Promise<TypedViews> {
  const taken = await takenNames(warehouse)
  const base = await warehouse.query<BaseColumn>(
    `SELECT name, type, comment FROM system.columns WHERE database = 'gold' AND table = 'predictions' ORDER BY position`,
  )
  if (base.length === 0) throw new ServiceError('invalid_config', 'gold.predictions does not exist yet, and typed views read from it')
  const names: string[] = []
  const failed: Record<string, string> = {}
  for (const model of project.models.values()) {
    const { definition } = model
    try {
      const name = freeName(definition.name, { taken, names })
      const columns = typedViewColumns({ project, model, base })
      await warehouse.command(typedViewSql({ name, model: definition.name, columns }))
      names.push(name)
    } catch (error) {
      if (!(error instanceof ServiceError) || error.retryable) throw error
      failed[definition.name] = error.message
    }
  }
  for (const view of await generatedViews(warehouse))
    if (!names.includes(view)) await warehouse.command(`DROP VIEW IF EXISTS gold.${quoteName(view)}`)
  return { names, failed }
}

export function typedViewSql(options: { name: string; model: string; columns: readonly ViewColumn[] }): string {
  const { name, model, columns } = options
  const declared = columns.map((column) => `  ${quoteName(column.name)} ${column.type} COMMENT ${quoteString(column.comment)}`)
  const selected = columns.map((column) => `  ${column.expression} AS ${quoteName(column.name)}`)
  // Aliases may shadow columns that other expressions or the filter read.
  return `CREATE OR REPLACE VIEW gold.${quoteName(name)}
(
${declared.join(',\n')}
)
AS SELECT
${selected.join(',\n')}
FROM gold.predictions
WHERE predictions.model = ${quoteString(model)} AND predictions.counts
SETTINGS prefer_column_name_to_alias = 1
COMMENT ${quoteString(`${generatedMark}${model} that count, one row each, with a column for every output and feature. gold.predictions has the others, and left_out says why.`)}`
}

const generatedMark = 'Generated: the predictions of model '

function freeName(model: string, { taken, names }: { taken: ReadonlySet<string>; names: readonly string[] }): string {
  const name = typedViewName(model)
  if (isReservedView(name) || taken.has(name)) throw new ServiceError('invalid_project', `gold.${name} is taken`, { path: model })
  if (names.includes(name)) throw new ServiceError('invalid_project', `two models would share the view gold.${name}`, { path: model })
  return name
}

async function takenNames(warehouse: Warehouse): Promise<Set<string>> {
  const rows = await warehouse.query<{ name: string }>(
    `SELECT name FROM system.tables WHERE database = 'gold' AND NOT startsWith(comment, {mark:String})`,
    { mark: generatedMark },
  )
  return new Set(rows.map(({ name }) => name))
}

async function generatedViews(warehouse: Warehouse): Promise<string[]> {
  const rows = await warehouse.query<{ name: string }>(
    `SELECT name FROM system.tables WHERE database = 'gold' AND startsWith(comment, {mark:String})`,
    { mark: generatedMark },
  )
  return rows.map(({ name }) => name)
}
