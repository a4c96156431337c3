import { canonicalHash, toCanonicalJson } from '../contracts/canonical-json.ts'
import { ServiceError } from '../contracts/errors.ts'
import type { LabelDefinition } from '../contracts/label-definition.ts'
import type { Project } from '../platform/project/project.ts'
import { pendingMigrations } from '../platform/schema/migrate.ts'
import { createTypedViews } from '../platform/schema/typed-views.ts'
import { toColumnTime } from '../platform/warehouse/column-time.ts'
import type { Warehouse } from '../platform/warehouse/warehouse.ts'
import { outcomeRulesOf } from './outcomes/outcome-rules.ts'
import { goldPredictionsViewSql, labelReachViewSql, outcomesAsOfViewSql, outcomesViewSql, type ViewColumn } from './views.ts'

/** `withoutView` has the models that have no typed view, and why. */
export type SyncResult = { labels: string[]; changedLabels: string[]; typedViews: string[]; withoutView: Record<string, string> }

/**
 * Brings the warehouse to the project's label and model definitions: records definitions that changed and re-creates
 * asof.outcomes, silver.outcomes, gold.predictions and the typed views. Can be repeated, also by several processes.
 * Throws `not_ready` while the warehouse has not been migrated.
 */
export async function syncLabeler(warehouse: Warehouse, project: Project, now: () => number = Date.now): Promise<SyncResult> {
  const predictionColumns = await describePredictions(warehouse)
  const changedLabels = await recordDefinitions(warehouse, [...project.labels.values()], now())
  const rules = outcomeRulesOf(project)
  await warehouse.command(outcomesAsOfViewSql(rules))
  await warehouse.command(outcomesViewSql(rules))
  await warehouse.command(labelReachViewSql(rules))
  await warehouse.command(goldPredictionsViewSql(rules, predictionColumns))
  const { names: typedViews, failed: withoutView } = await createTypedViews(warehouse, project)
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

async function recordDefinitions(warehouse: Warehouse, definitions: readonly LabelDefinition[], nowMs: number): Promise<string[]> {
  const rows = await warehouse.query<{ label: string; sha256: string }>(
    `SELECT label, argMax(definition_sha256, synced_at) AS sha256 FROM silver.label_definitions GROUP BY label`,
  )
  const current = new Map(rows.map(({ label, sha256 }) => [label, sha256]))
  const changed = definitions.filter((definition) => current.get(definition.name) !== canonicalHash(definition))
  if (changed.length > 0)
    await warehouse.insert(
      'silver.label_definitions',
      changed.map((definition) => toRow(definition, nowMs)),
    )
  return changed.map(({ name }) => name)
}

function toRow(definition: LabelDefinition, nowMs: number): object {
  const { name, type, unit, match, which, maturity_seconds, silence, description, owner } = definition
  return {
    label: name,
    type,
    which,
    maturity_seconds,
    silence,
    description,
    owner,
    unit: unit ?? null,
    match: match.kind,
    window_seconds: match.kind === 'window' ? match.window_seconds : null,
    definition_sha256: canonicalHash(definition),
    synced_at: toColumnTime(nowMs),
    definition: toCanonicalJson(definition),
  }
}
