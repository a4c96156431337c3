import { ServiceError } from '../contracts/errors.ts'
import type { Project } from '../platform/project/project.ts'
import { pendingMigrations } from '../platform/schema/migrate.ts'
import { createTypedViews } from '../platform/schema/typed-views.ts'
import type { Warehouse } from '../platform/warehouse/warehouse.ts'
import { readDefinitionRows } from './definitions/definition-rows.ts'
import { rulesOverTime } from './definitions/definitions-over-time.ts'
import { recordDefinitions } from './definitions/record-definitions.ts'
import { outcomeRulesOf } from './outcomes/outcome-rules.ts'
import { toSqlRules } from './outcomes/sql-rules.ts'
import {
  goldPredictionsViewSql,
  labelReachViewSql,
  outcomesAsOfViewSql,
  outcomesKnownAsOfViewSql,
  outcomesViewSql,
  type ViewColumn,
} from './views.ts'

/** `withoutView` has the models that have no typed view, and why. */
export type SyncResult = { labels: string[]; changedLabels: string[]; typedViews: string[]; withoutView: Record<string, string> }

/**
 * Brings the warehouse to the project's label and model definitions: records definitions that changed and re-creates
 * the views of outcomes, gold.predictions and the typed views. Can be repeated, also by several processes.
 * Throws `not_ready` while the warehouse has not been migrated.
 */
export async function syncLabeler(warehouse: Warehouse, project: Project, now: () => number = Date.now): Promise<SyncResult> {
  const predictionColumns = await describePredictions(warehouse)
  const changed = await recordDefinitions(warehouse, project, now())
  const rules = toSqlRules(outcomeRulesOf(project))
  await warehouse.command(outcomesAsOfViewSql(rulesOverTime(await readDefinitionRows(warehouse))))
  await warehouse.command(outcomesKnownAsOfViewSql(rules))
  await warehouse.command(outcomesViewSql(rules))
  await warehouse.command(labelReachViewSql(rules))
  await warehouse.command(goldPredictionsViewSql(rules, predictionColumns))
  const { names: typedViews, failed: withoutView } = await createTypedViews(warehouse, project)
  const changedLabels = changed.filter(({ kind, sha256 }) => kind === 'label' && sha256 !== '').map(({ name }) => name)
  return { labels: [...project.labels.keys()], changedLabels, typedViews, withoutView }
}

/** Throws before the last migration is applied: until then silver.predictions may lack columns. */
async function describePredictions(warehouse: Warehouse): Promise<ViewColumn[]> {
  const [pending] = await pendingMigrations(warehouse)
  if (pending !== undefined)
    throw new ServiceError('not_ready', `the warehouse lacks migration ${pending} yet`, {
      hint: 'run `npx hindsight migrate`, or start the logger',
    })
  return warehouse.query<ViewColumn>(
    `SELECT name, type, comment FROM system.columns WHERE database = 'silver' AND table = 'predictions' ORDER BY position`,
  )
}
