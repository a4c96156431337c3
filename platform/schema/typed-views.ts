import { ServiceError } from '../../contracts/errors.ts'
import type { Project, ProjectModel } from '../project/project.ts'
import type { Warehouse } from '../warehouse/warehouse.ts'
import { quoteName, quoteString } from './sql-text.ts'
import { type BaseColumn, typedViewColumns, type ViewColumn } from './typed-view-columns.ts'

/**
 * Re-creates `gold.<model>` for every model of the project and drops those of models that are gone; returns the names
 * that exist now. `gold.predictions` must exist. Throws `invalid_project` when two names collide.
 */
export async function createTypedViews(warehouse: Warehouse, project: Project): Promise<string[]> {
  const models = [...project.models.values()]
  const names = viewNames(models, await takenNames(warehouse))
  const base = await warehouse.query<BaseColumn>(
    `SELECT name, type, comment FROM system.columns WHERE database = 'gold' AND table = 'predictions' ORDER BY position`,
  )
  if (base.length === 0) throw new ServiceError('invalid_config', 'gold.predictions does not exist yet, and typed views read from it')
  for (const [index, model] of models.entries())
    await warehouse.command(
      typedViewSql({ name: names[index]!, model: model.definition.name, columns: typedViewColumns({ project, model, base }) }),
    )
  for (const view of await generatedViews(warehouse))
    if (!names.includes(view)) await warehouse.command(`DROP VIEW IF EXISTS gold.${quoteName(view)}`)
  return names
}

/** `flight-delay` as `flight_delay`. */
export function typedViewName(model: string): string {
  return model.replaceAll('-', '_')
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
WHERE predictions.model = ${quoteString(model)}
SETTINGS prefer_column_name_to_alias = 1
COMMENT ${quoteString(`${generatedMark}${model}, one row each, with a column for every output and feature.`)}`
}

const generatedMark = 'Generated: the predictions of model '

function viewNames(models: readonly ProjectModel[], taken: ReadonlySet<string>): string[] {
  const names = models.map((model) => typedViewName(model.definition.name))
  for (const [index, name] of names.entries()) {
    const model = models[index]!.definition.name
    if (taken.has(name))
      throw new ServiceError('invalid_project', `gold.${name} is taken, so no model can be named ${model}`, { path: model })
    if (names.indexOf(name) < index)
      throw new ServiceError('invalid_project', `two models would share the view gold.${name}`, { path: model })
  }
  return names
}

async function takenNames(warehouse: Warehouse): Promise<Set<string>> {
  const rows = await warehouse.query<{ name: string }>(
    `SELECT name FROM system.tables WHERE database = 'gold' AND NOT startsWith(comment, {mark:String})`,
    { mark: generatedMark },
  )
  return new Set([...rows.map(({ name }) => name), 'predictions', 'evaluations', 'drift', 'skew', 'runs'])
}

async function generatedViews(warehouse: Warehouse): Promise<string[]> {
  const rows = await warehouse.query<{ name: string }>(
    `SELECT name FROM system.tables WHERE database = 'gold' AND startsWith(comment, {mark:String})`,
    { mark: generatedMark },
  )
  return rows.map(({ name }) => name)
}
