import { milliseconds } from './sql-text.ts'
import { visibleSql, type Scope } from './visible-sql.ts'

type LatestOptions = { anchors: string; scope: Scope; factsSql: string; column: number }

/**
 * `row_id, et, value, found` of the latest value of all time at each anchor that has one. A fact that is never
 * withdrawn is visible from a moment on, so the latest at an anchor is the running maximum at that moment; only
 * withdrawn facts are met anchor by anchor.
 */
export function latestValuesSql({ anchors, scope, factsSql, column }: LatestOptions): string {
  const asOf = scope === 'applied' ? ', features_as_of' : ''
  const anchored = `(SELECT row_id, toString(entity_id) AS entity_id, ${milliseconds('anchor_time')} AS t${asOf} FROM ${anchors})`
  const facts = `(SELECT *, (et, ka, id, assumeNotNull(c${column})) AS latest FROM ${factsSql} WHERE isNotNull(c${column}))`
  const candidates =
    scope === 'known' ? `${steadySql(anchored, facts)} UNION ALL ${pairedSql(anchored, facts, scope)}` : pairedSql(anchored, facts, scope)
  return `(SELECT row_id, max(latest) AS best, best.1 AS et, best.4 AS value, 1 AS found FROM (${candidates}) GROUP BY row_id)`
}

function steadySql(anchored: string, facts: string): string {
  const timeline = `(
    SELECT entity_id, visible_from, max(latest) OVER (PARTITION BY entity_id ORDER BY visible_from ROWS UNBOUNDED PRECEDING) AS latest
    FROM (SELECT entity_id, greatest(et + 1, ka) AS visible_from, max(latest) AS latest FROM ${facts} WHERE isNull(ra) GROUP BY entity_id, visible_from)
  )`
  return `SELECT a.row_id AS row_id, f.latest AS latest FROM ${anchored} AS a ASOF JOIN ${timeline} AS f ON a.entity_id = f.entity_id AND a.t >= f.visible_from`
}

function pairedSql(anchored: string, facts: string, scope: Scope): string {
  const some = scope === 'known' ? `(SELECT * FROM ${facts} WHERE isNotNull(ra))` : facts
  return `SELECT a.row_id AS row_id, f.latest AS latest FROM ${anchored} AS a INNER JOIN ${some} AS f ON a.entity_id = f.entity_id WHERE ${visibleSql(scope)}`
}
