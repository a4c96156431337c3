import { ServiceError } from '../../contracts/errors.ts'
import type { OnlineFeature } from '../../contracts/model-definition.ts'
import type { Project, ProjectModel } from '../../platform/project/project.ts'
import { toColumnTime } from '../../platform/warehouse/column-time.ts'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import { compileView, type CompiledView } from '../engine/compile-view.ts'
import { skewSql, type SkewRow } from './skew-sql.ts'

export type SkewOptions = {
  warehouse: Warehouse
  project: Pick<Project, 'models' | 'views' | 'sources'>
  model: string
  /** Anchor times compared: from, inclusive, to, exclusive, as RFC 3339. */
  anchorFrom: string
  anchorTo: string
}

export type SkewExample = {
  prediction_id: string
  model_version: string
  entity_id: string
  anchor_time: string
  served: string
  recomputed: string
}

/** `applied`: over exactly the events of features_as_of. `known`: over all that was known at the anchor. */
export type SkewMode = { different: number; largest_difference: number; examples: SkewExample[] }

export type FeatureSkew = {
  feature: string
  view: string
  entity: string
  /** How many values could be compared, in both modes. */
  compared: number
  applied: SkewMode
  known: SkewMode
  /** What was served without a value to compare, or by another definition than the project's. */
  skipped: { defaulted: number; refused: number; other_definition: number }
}

export type SkewReport = {
  model: string
  anchor_from: string
  anchor_to: string
  predictions: number
  compared: number
  /** Differences that only what arrived after the read explains: late data. */
  late: number
  /** Differences over the very events that were applied: a fault, or a store that had lost some. */
  unexplained: number
  features: FeatureSkew[]
}

/**
 * Recomputes the online features of every prediction of a model in a range of anchor times, in SQL, and compares them
 * with what was served, floats to 1e-9. Throws `unknown_model`.
 */
export async function measureSkew(options: SkewOptions): Promise<SkewReport> {
  const { warehouse, project, model, anchorFrom, anchorTo } = options
  const definition = project.models.get(model)
  if (definition === undefined) throw new ServiceError('unknown_model', `the project has no model ${model}`)
  const range = { model, from: parseTime(anchorFrom), to: parseTime(anchorTo) }
  const tenants = await warehouse.query<{ tenant: string; predictions: number }>(
    `SELECT tenant, toFloat64(count()) AS predictions FROM silver.predictions
    WHERE model = {model:String} AND anchor_time >= {from:DateTime64(3, 'UTC')} AND anchor_time < {to:DateTime64(3, 'UTC')} GROUP BY tenant`,
    range,
  )
  const features: FeatureSkew[] = []
  for (const group of groupFeatures(project, definition)) {
    const rows: SkewRow[] = []
    for (const { tenant } of tenants)
      rows.push(...(await warehouse.query<SkewRow>(skewSql({ ...group, tenant, definition, ...options }), range)))
    features.push(...group.features.map((feature) => toFeatureSkew(feature, rows)))
  }
  const sum = (countOf: (skew: FeatureSkew) => number) => features.reduce((total, skew) => total + countOf(skew), 0)
  const unexplained = sum((skew) => skew.applied.different)
  return {
    model,
    anchor_from: anchorFrom,
    anchor_to: anchorTo,
    predictions: tenants.reduce((total, row) => total + row.predictions, 0),
    compared: sum((skew) => skew.compared),
    late: Math.max(0, sum((skew) => skew.known.different) - unexplained),
    unexplained,
    features,
  }
}

type FeatureGroup = { view: CompiledView; entity: string; features: OnlineFeature[] }

/** Groups the features of a view that are about the same role: one query serves all of them. */
function groupFeatures(project: SkewOptions['project'], model: ProjectModel): FeatureGroup[] {
  const groups = new Map<string, FeatureGroup>()
  for (const feature of model.features.values()) {
    if (feature.source !== 'online') continue
    const key = `${feature.view}/${feature.entity}`
    const group = groups.get(key) ?? { view: compiled(project, feature.view), entity: feature.entity, features: [] }
    group.features.push(feature)
    groups.set(key, group)
  }
  return [...groups.values()]
}

function compiled(project: SkewOptions['project'], name: string): CompiledView {
  const view = project.views.get(name)
  const source = view === undefined ? undefined : project.sources.get(view.source)
  if (view === undefined || source === undefined) throw new ServiceError('invalid_project', `feature view ${name} cannot be read`)
  return compileView(view, source)
}

function toFeatureSkew({ name, view, entity }: OnlineFeature, rows: readonly SkewRow[]): FeatureSkew {
  const own = rows.filter((row) => row.feature === name)
  const sum = (countOf: (row: SkewRow) => number) => own.reduce((total, row) => total + countOf(row), 0)
  const mode = (kind: 'applied' | 'known'): SkewMode => ({
    different: sum((row) => row[`${kind}_different`]),
    largest_difference: Math.max(0, ...own.map((row) => row[`${kind}_largest`])),
    examples: own.flatMap((row) => row[`${kind}_examples`].map(toExample)).slice(0, 3),
  })
  return {
    feature: name,
    view,
    entity,
    compared: sum((row) => row.compared),
    applied: mode('applied'),
    known: mode('known'),
    skipped: {
      defaulted: sum((row) => row.defaulted),
      refused: sum((row) => row.refused),
      other_definition: sum((row) => row.other_definition),
    },
  }
}

function toExample([
  prediction_id,
  model_version,
  entity_id,
  anchor_time,
  served,
  recomputed,
]: SkewRow['applied_examples'][number]): SkewExample {
  return { prediction_id, model_version, entity_id, anchor_time, served, recomputed }
}

function parseTime(time: string): string {
  if (Number.isNaN(Date.parse(time))) throw new ServiceError('invalid_request', `${time} is no RFC 3339 time`)
  return toColumnTime(time)
}
