import { aggregationRules, type Aggregation } from '../../contracts/aggregations.ts'
import type { CompiledFeature, CompiledView, TileWindow } from '../engine/compile-view.ts'
import { appliedFactsSql, knownFactsSql, type EventHistory } from './facts-sql.ts'
import { latestValuesSql } from './latest-values-sql.ts'
import { floorTo, milliseconds } from './sql-text.ts'
import { visibleSql, type Scope } from './visible-sql.ts'

export type WindowFeaturesOptions = {
  view: CompiledView
  /**
   * Table, table function or parenthesised query with the columns of `bronze.feature_events`: `source, event_id, keys,
   * values_number, values_text, event_time, known_at`, with a tenant given also `tenant`, and unless the history is
   * plain also `ingested_at, retracts, writer_id, epoch, seq`.
   */
  events: string
  history: EventHistory
  /** The tenant whose events count; left out where the relation has no tenants. */
  tenant?: string
  /**
   * Table or parenthesised query with `row_id` (unique), `entity_id` (String), `anchor_time`, and for `applied` also
   * `features_as_of Array(Tuple(writer_id String, epoch UInt32, seq UInt64))`.
   */
  anchors: string
  /** `known`: all that was known at the anchor. `applied`: of that, only what the online store had applied. */
  scope?: Scope
}

/** The column that holds the event time of a feature's newest event. */
export function eventTimeColumn(feature: string): string {
  return `${feature}__event_time`
}

/**
 * A query that computes every feature of the view for every anchor, point in time: one row per anchor with
 * `row_id`, and per feature `<name>` (Nullable(Float64) or Nullable(String); null is missing, no_events) and
 * `<name>__event_time` (Nullable(DateTime64(3, 'UTC'))). No order. Equal to `readFeatures`, floats to 1e-9.
 * Work grows with the pairs of anchors and events that share an entity and a window.
 */
export function windowFeaturesSql(options: WindowFeaturesOptions): string {
  const { view } = options
  const scope = options.scope ?? 'known'
  const facts = { view, tenant: options.tenant, events: options.events, history: options.history }
  const factsSql = scope === 'known' ? knownFactsSql(facts) : appliedFactsSql(facts)
  const latest = [...new Set(view.allTime.map((feature) => feature.column))]
  const base = view.windows.length === 0 ? `(SELECT row_id FROM ${options.anchors})` : windowsSql({ ...options, scope, factsSql })
  const joins = latest.map(
    (column) =>
      `LEFT JOIN ${latestValuesSql({ anchors: options.anchors, scope, factsSql, column })} AS l${column} ON b.row_id = l${column}.row_id`,
  )
  return `SELECT b.row_id AS row_id${view.features.flatMap(outputs).join('')}\nFROM ${base} AS b\n${joins.join('\n')}`
}

function outputs(feature: CompiledFeature): string[] {
  const { name, column } = feature
  if (feature.window !== undefined)
    return [`,\n  b.\`${name}\` AS \`${name}\``, `, b.\`${eventTimeColumn(name)}\` AS \`${eventTimeColumn(name)}\``]
  const value = `if(l${column}.found = 1, toNullable(l${column}.value), NULL)`
  return [`,\n  ${value} AS \`${name}\``, `, ${toDateTime(`l${column}.found = 1`, `l${column}.et`)} AS \`${eventTimeColumn(name)}\``]
}

type WindowsOptions = WindowFeaturesOptions & { scope: Scope; factsSql: string }

/** Anchors meet the facts of their entity in time buckets as wide as the reach of the windows: two, and sometimes three, each. */
function windowsSql({ view, anchors, scope, factsSql }: WindowsOptions): string {
  const bucketMs = view.reachMs
  const names = view.windows.map(startName)
  const starts = view.windows.map((window) => `${floorTo(`(t - ${window.widthMs})`, window.hopMs)} AS ${startName(window)}`)
  // The wider of two windows may start later than the other, by its finer hop.
  const earliest = `least(${names.join(', ')}) AS w`
  const asOf = scope === 'applied' ? ', features_as_of' : ''
  const anchored = `(
    SELECT *, arrayJoin(range(${floorTo('w', bucketMs)}, t + 1, ${bucketMs})) AS bucket
    FROM (SELECT *, ${[...starts, earliest].join(', ')} FROM (SELECT row_id, toString(entity_id) AS entity_id, ${milliseconds('anchor_time')} AS t${asOf} FROM ${anchors}))
  )`
  const columns = view.columns.map((_, index) => `, f.c${index} AS c${index}`).join('')
  const begins = names.map((name) => `, a.${name} AS ${name}`).join('')
  const aggregates = view.windows.flatMap(({ features }) => features.flatMap(aggregateSql))
  return `(
  SELECT row_id, ${aggregates.join(',\n    ')}
  FROM (
    SELECT a.row_id AS row_id, f.id AS id, f.et AS et, f.ka AS ka${begins}${columns},
      ifNull(f.found, 0) = 1 AND f.et >= a.w AND ${visibleSql(scope)} AS seen
    FROM ${anchored} AS a
    LEFT JOIN (SELECT *, ${floorTo('et', bucketMs)} AS bucket, 1 AS found FROM ${factsSql}) AS f
    ON a.entity_id = f.entity_id AND a.bucket = f.bucket
  )
  GROUP BY row_id
)`
}

function startName({ widthMs, hopMs }: TileWindow): string {
  return `w${widthMs}_${hopMs}`
}

function aggregateSql({ name, aggregation, column, window }: CompiledFeature): string[] {
  const value = `c${column}`
  const inWindow = `seen AND et >= ${startName(window as TileWindow)}`
  const counted = column === -1 ? inWindow : `${inWindow} AND isNotNull(${value})`
  const some = `countIf(${counted}) > 0`
  const plain = `assumeNotNull(${value})`
  const expressions = {
    count: `toFloat64(countIf(${counted}))`,
    sum: `sumIf(${plain}, ${counted})`,
    mean: `avgIf(${plain}, ${counted})`,
    min: `minIf(${plain}, ${counted})`,
    max: `maxIf(${plain}, ${counted})`,
    std: `stddevPopStableIf(${plain}, ${counted})`,
    last: `argMaxIf(${plain}, (et, ka, id), ${counted})`,
    first: `argMinIf(${plain}, (et, ka, id), ${counted})`,
  } satisfies Record<Aggregation, string>
  const { gives, ofNone } = aggregationRules[aggregation]
  const expression = expressions[aggregation]
  const holds = [...(ofNone === 'missing' ? [some] : []), ...(gives === 'number' ? [`isFinite(${expression})`] : [])].join(' AND ')
  return [
    `if(${holds}, toNullable(${expression}), NULL) AS \`${name}\``,
    `${toDateTime(some, `maxIf(et, ${counted})`)} AS \`${eventTimeColumn(name)}\``,
  ]
}

function toDateTime(condition: string, milliseconds: string): string {
  return `if(${condition}, toNullable(fromUnixTimestamp64Milli(toInt64(${milliseconds}), 'UTC')), NULL)`
}
