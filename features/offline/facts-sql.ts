import type { CompiledView } from '../engine/compile-view.ts'
import { literal, milliseconds } from './sql-text.ts'

/**
 * What the relation of events holds. `records`: like `bronze.feature_events`, ids may repeat. `distinct`: like
 * `silver.feature_events`, each id once. `plain`: each id once and no withdrawals (then it needs neither `retracts`
 * nor `ingested_at` nor an origin).
 */
export type EventHistory = 'records' | 'distinct' | 'plain'

export type FactsOptions = {
  view: Pick<CompiledView, 'source' | 'key' | 'columns'>
  tenant: string | undefined
  events: string
  history: EventHistory
}

const order = 'ingested_ms, writer_id, epoch, seq'

/**
 * The facts of a view's source, one row each: `id, entity_id, et, ka` (milliseconds), `ra` (when it was withdrawn, or
 * null), then `c0, c1, ...`, the view's columns, null where absent.
 */
export function knownFactsSql(options: FactsOptions): string {
  const { view, history } = options
  const columns = view.columns.map((_, index) => `, c${index}`).join('')
  if (history === 'plain')
    return `(SELECT id, entity_id, et, ka, CAST(NULL AS Nullable(Int64)) AS ra${columns} FROM ${recordsSql(options)} WHERE has_entity)`
  const standing = history === 'distinct' ? recordsSql(options) : `(SELECT * FROM ${recordsSql(options)} ORDER BY ${order} LIMIT 1 BY id)`
  return `(
  SELECT f.id AS id, f.entity_id AS entity_id, f.et AS et, f.ka AS ka, if(w.found = 1, w.ra, NULL) AS ra${view.columns.map((_, index) => `, f.c${index} AS c${index}`).join('')}
  FROM (SELECT * FROM ${standing} WHERE retracts = '' AND has_entity) AS f
  LEFT JOIN (SELECT retracts AS id, toNullable(min(ka)) AS ra, 1 AS found FROM ${standing} WHERE retracts != '' GROUP BY retracts) AS w ON f.id = w.id
)`
}

/**
 * Every record that may count, with what could stand before it: `origin`, `earlier` (origins of records of the same
 * id that come first) and `withdrawals` (known-at, origin and earlier ones of each). Which of them an anchor had seen
 * decides per anchor.
 */
export function appliedFactsSql(options: FactsOptions): string {
  const { view } = options
  const columns = view.columns.map((_, index) => `, c${index}`).join('')
  const records = `(SELECT DISTINCT * FROM ${recordsSql(options)})`
  const repeated = `(SELECT id, groupArray((${order})) AS all FROM ${records} GROUP BY id HAVING count() > 1)`
  const ordered = `(
    SELECT r.*, (r.writer_id, r.epoch, r.seq) AS origin,
      arrayMap(x -> (x.2, x.3, x.4), arrayFilter(x -> x < (r.ingested_ms, r.writer_id, r.epoch, r.seq), d.all)) AS earlier
    FROM ${records} AS r LEFT JOIN ${repeated} AS d ON r.id = d.id
  )`
  return `(
  SELECT f.id AS id, f.entity_id AS entity_id, f.et AS et, f.ka AS ka, f.origin AS origin, f.earlier AS earlier, w.withdrawals AS withdrawals${columns.replaceAll(/c\d+/g, 'f.$& AS $&')}
  FROM (SELECT * FROM ${ordered} WHERE retracts = '' AND has_entity) AS f
  LEFT JOIN (SELECT retracts AS id, groupArray((ka, origin, earlier)) AS withdrawals FROM ${ordered} WHERE retracts != '' GROUP BY retracts) AS w
  ON f.id = w.id
)`
}

function recordsSql(options: FactsOptions): string {
  const { view, tenant, events, history } = options
  const columns = view.columns.map(({ name, type }, index) => {
    const map = type === 'text' ? 'values_text' : 'values_number'
    return `if(mapContains(${map}, ${literal(name)}), toNullable(${map}[${literal(name)}]), NULL) AS c${index}`
  })
  const record = `toString(ifNull(retracts, '')) AS retracts, ${milliseconds('ingested_at')} AS ingested_ms, toString(writer_id) AS writer_id, toUInt32(epoch) AS epoch, toUInt64(seq) AS seq`
  const fields = [
    'toString(event_id) AS id',
    `mapContains(keys, ${literal(view.key)}) AS has_entity`,
    `toString(keys[${literal(view.key)}]) AS entity_id`,
    `${milliseconds('event_time')} AS et`,
    `${milliseconds('known_at')} AS ka`,
    ...(history === 'plain' ? [] : [record]),
    ...columns,
  ]
  const scope = tenant === undefined ? '' : `tenant = ${literal(tenant)} AND `
  return `(SELECT ${fields.join(', ')} FROM ${events} WHERE ${scope}source = ${literal(view.source)})`
}
