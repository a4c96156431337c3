import type { Extreme } from '../engine/block.ts'
import type { AllTimeSummary } from '../engine/rebuild.ts'
import type { TileGrid } from '../engine/compile-view.ts'
import type { AppliedPosition } from '../../contracts/origin.ts'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import { knownFactsSql } from '../offline/facts-sql.ts'

export type SummaryRequest = {
  grid: TileGrid
  tenant: string
  entityId: string
  /** The ids of facts that the tile holds as rows. */
  apart: readonly string[]
  /** The positions that the online store has: no later record may come in. */
  applied: readonly AppliedPosition[]
}

/** The latest value of all time, and the clocks of everything that came before it, from the records that were applied. */
export async function readAllTimeSummary(warehouse: Warehouse, request: SummaryRequest): Promise<AllTimeSummary> {
  const { grid, tenant, entityId, apart, applied } = request
  const about = `SELECT event_id FROM bronze.feature_events WHERE tenant = {tenant:String} AND source = {source:String} AND keys[{key:String}] = {entity:String}`
  // The records of an id that the entity shares with another, and the withdrawals of its facts, come along.
  const events = `(SELECT * FROM bronze.feature_events WHERE (event_id IN (${about}) OR retracts IN (${about}))
    AND seq <= {limits:Map(String, UInt64)}[concat(toString(epoch), '/', writer_id)])`
  const best = grid.columns.map((_, index) => {
    const counts = `isNull(ra) AND isNotNull(c${index})`
    return `if(countIf(${counts}) = 0, [], [argMaxIf((id, toFloat64(et), toFloat64(ka), assumeNotNull(c${index})), (et, ka, id), ${counts})]) AS b${index}`
  })
  const clocks = 'count() AS facts, toFloat64(max(et)) AS max_et, toFloat64(max(greatest(ka, ifNull(ra, ka)))) AS max_ka'
  const sql = `SELECT ${[clocks, ...best].join(', ')} FROM ${knownFactsSql({ view: grid, tenant, events, history: 'records' })}
    WHERE entity_id = {entity:String} AND NOT has({apart:Array(String)}, id)`
  const limits = new Map(applied.map(({ writer_id, epoch, seq }) => [`${epoch}/${writer_id}`, seq]))
  const params = { tenant, source: grid.source, key: grid.key, entity: entityId, apart, limits }
  const [row] = await warehouse.query<Record<string, unknown>>(sql, params)
  if (row === undefined || Number(row['facts']) === 0) return { maxEventTimeMs: -Infinity, maxKnownAtMs: -Infinity, last: [] }
  return {
    maxEventTimeMs: Number(row['max_et']),
    maxKnownAtMs: Number(row['max_ka']),
    last: grid.columns.map((_, index) => toExtreme(row[`b${index}`])),
  }
}

/** ClickHouse writes a tuple without names as an array. */
function toExtreme(column: unknown): Extreme | undefined {
  const [best] = column as [string, number, number, number | string][]
  if (best === undefined) return undefined
  const [id, eventTimeMs, knownAtMs, value] = best
  return { id, eventTimeMs, knownAtMs, value }
}
