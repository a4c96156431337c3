import { aggregateType } from '../../contracts/aggregations.ts'
import type { OnlineFeature } from '../../contracts/model-definition.ts'
import type { ProjectModel } from '../../platform/project/project.ts'
import type { CompiledView } from '../engine/compile-view.ts'
import { literal } from './sql-text.ts'
import { windowFeaturesSql } from './window-features-sql.ts'

type Example = [predictionId: string, version: string, entityId: string, anchorTime: string, served: string, recomputed: string]

export type SkewRow = {
  feature: string
  compared: number
  defaulted: number
  refused: number
  other_definition: number
  applied_different: number
  applied_largest: number
  applied_examples: Example[]
  known_different: number
  known_largest: number
  known_examples: Example[]
}

export type SkewSqlOptions = {
  view: CompiledView
  /** The role whose entity the features are about. */
  entity: string
  features: readonly OnlineFeature[]
  tenant: string
  definition: Pick<ProjectModel, 'featureHashes'>
}

/** One row per feature: what was served against both recomputations. Binds `model`, `from` and `to`. */
export function skewSql(options: SkewSqlOptions): string {
  const { view, entity, tenant } = options
  const served = `(
    SELECT *, entities[${literal(entity)}] AS entity_id, sipHash128(entity_id, anchor_time, features_as_of) AS row_id FROM silver.predictions
    WHERE tenant = ${literal(tenant)} AND model = {model:String} AND anchor_time >= {from:DateTime64(3, 'UTC')} AND anchor_time < {to:DateTime64(3, 'UTC')}
      AND mapContains(entities, ${literal(entity)})
  )`
  // Versions and shadows of one decision saw the same: each such moment is computed once.
  const anchors = `(SELECT row_id, any(entity_id) AS entity_id, any(anchor_time) AS anchor_time, any(features_as_of) AS features_as_of FROM ${served} GROUP BY row_id)`
  const events = eventsSql(options)
  const computed = (scope: 'known' | 'applied') => windowFeaturesSql({ view, tenant, events, history: 'records', anchors, scope })
  return `
SELECT feature, toFloat64(countIf(state = 'compared')) AS compared, toFloat64(countIf(state = 'defaulted')) AS defaulted,
  toFloat64(countIf(state = 'refused')) AS refused, toFloat64(countIf(state = 'other_definition')) AS other_definition,
  ${modeSql('applied')}, ${modeSql('known')}
FROM (
  SELECT toString(p.prediction_id) AS prediction, toString(p.model_version) AS version, p.entity_id AS entity_id, toString(p.anchor_time) AS anchor,
    one.1 AS feature, one.2 AS state, one.3 AS served, one.4 AS applied, one.5 AS known, one.6 AS served_text, one.7 AS applied_text, one.8 AS known_text
  FROM ${served} AS p
  INNER JOIN (${computed('applied')}) AS a ON p.row_id = a.row_id
  INNER JOIN (${computed('known')}) AS k ON p.row_id = k.row_id
  ARRAY JOIN [${options.features.map((feature) => featureSql(options, feature)).join(', ')}] AS one
)
WHERE state != '' GROUP BY feature`
}

/** What a prediction was served of one feature, as one tuple; state is empty when its version does not read the feature. */
function featureSql({ view, definition }: SkewSqlOptions, feature: OnlineFeature): string {
  const name = literal(feature.name)
  const { aggregation, column } = view.features.find((candidate) => candidate.name === feature.feature)!
  const isText = aggregateType(aggregation, view.columns[column]?.type) === 'text'
  const status = `p.feature_status[${name}]`
  const state = `multiIf(${status} = '', '',
    p.feature_definition[${name}] != ${literal(definition.featureHashes.get(feature.name) ?? '')}, 'other_definition',
    ${status} = 'defaulted', 'defaulted',
    ${status} = 'missing' AND p.feature_reason[${name}] != 'no_events', 'refused', 'compared')`
  const map = isText ? 'p.features_text' : 'p.features_number'
  const served = `if(mapContains(${map}, ${name}), toNullable(${map}[${name}]), NULL)`
  const columns = [served, `a.\`${feature.feature}\``, `k.\`${feature.feature}\``]
  const numbers = columns.map((column) => (isText ? 'CAST(NULL AS Nullable(Float64))' : column))
  const texts = columns.map((column) => (isText ? column : 'CAST(NULL AS Nullable(String))'))
  return `(${[name, state, ...numbers, ...texts].join(', ')})`
}

function modeSql(mode: 'applied' | 'known'): string {
  const same = `if(isNull(served) OR isNull(${mode}), isNull(served) AND isNull(${mode}), abs(served - ${mode}) <= 1e-9 * greatest(1, abs(served), abs(${mode})))`
  const sameText = `ifNull(served_text = ${mode}_text, isNull(served_text) AND isNull(${mode}_text))`
  const different = `state = 'compared' AND NOT (ifNull(${same}, 0) AND ${sameText})`
  const shown = (number: string, text: string) => `coalesce(${text}, toString(${number}), 'missing')`
  const example = `(prediction, version, entity_id, anchor, ${shown('served', 'served_text')}, ${shown(mode, `${mode}_text`)})`
  return `toFloat64(countIf(${different})) AS ${mode}_different,
  ifNull(maxIf(abs(served - ${mode}), ${different}), 0) AS ${mode}_largest,
  groupArrayIf(3)(${example}, ${different}) AS ${mode}_examples`
}

/**
 * The records that a window can reach, and every other record of their ids. A value of all time reaches everything.
 */
function eventsSql({ view, tenant }: SkewSqlOptions): string {
  const scope = `tenant = ${literal(tenant)} AND source = ${literal(view.source)}`
  if (view.allTime.length > 0) return `(SELECT * FROM bronze.feature_events WHERE ${scope})`
  const ids = `SELECT event_id FROM bronze.feature_events WHERE ${scope}
    AND event_time >= {from:DateTime64(3, 'UTC')} - toIntervalMillisecond(${view.reachMs}) AND event_time < {to:DateTime64(3, 'UTC')}`
  return `(SELECT * FROM bronze.feature_events WHERE ${scope} AND (event_id IN (${ids}) OR retracts IN (${ids})))`
}
