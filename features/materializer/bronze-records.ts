import type { AppliedPosition } from '../../contracts/origin.ts'
import { featureEventColumns, type StoredFeatureEvent, toFeatureEvent } from '../../platform/schema/rows/feature-event-row.ts'
import { toOrigin } from '../../platform/schema/rows/stamp.ts'
import { WarehouseQueryError, type QueryParams, type Warehouse } from '../../platform/warehouse/warehouse.ts'
import { type Fact, toFact } from '../engine/fact.ts'

/** Records of the feature_events lane as the warehouse has them: what the log no longer delivers. */
export type BronzeRecords = {
  /** How far bronze has every record of the lane without a gap, per writer and epoch. Empty before the first migration. */
  completePositions(): Promise<AppliedPosition[]>
  /** Whether it has every record of this range, ends included. */
  covers(range: SeqRange): Promise<boolean>
  /** The facts up to these positions, in no order. Of a source that no view uses too. */
  factsUpTo(positions: readonly AppliedPosition[]): AsyncIterable<Fact[]>
  factsIn(range: SeqRange): Promise<Fact[]>
  /** Every record of one source that places an entity in `[fromMs, toMs)` of event time. */
  factsOfEntity(scope: EntityScope & { fromMs: number; toMs: number }): Promise<Fact[]>
}

export type SeqRange = { writerId: string; epoch: number; fromSeq: number; toSeq: number }
export type EntityScope = { tenant: string; source: string; key: string; entityId: string }

const seqs = `(
  SELECT writer_id, epoch, seq FROM bronze.feature_events WHERE lane = 'feature_events'
  UNION ALL SELECT writer_id, epoch, seq FROM bronze.rejects WHERE lane = 'feature_events'
  UNION ALL SELECT writer_id, epoch, seq FROM bronze.seals WHERE lane = 'feature_events'
)`

// The logger writes a run only after its rows, so the runs tell what the rows would, at a thousandth of the cost: reading them
// again for that every few seconds would be all the warehouse does.
const completeSql = `
SELECT toString(writer_id) AS writer, toFloat64(epoch) AS epoch_number, toFloat64(max(last_seq)) AS last_seq
FROM (
  SELECT writer_id, epoch, last_seq, sum(is_behind_gap) OVER (PARTITION BY writer_id, epoch ORDER BY first_seq, last_seq) AS gaps
  FROM (
    SELECT writer_id, epoch, first_seq, last_seq, first_seq > 1 + max(last_seq) OVER
      (PARTITION BY writer_id, epoch ORDER BY first_seq, last_seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS is_behind_gap
    FROM bronze.delivered WHERE lane = 'feature_events'
  )
)
WHERE gaps = 0 GROUP BY writer_id, epoch`

const inRange = 'writer_id = {writer:String} AND epoch = {epoch:UInt32} AND seq BETWEEN {from:UInt64} AND {to:UInt64}'

export function createBronzeRecords(warehouse: Warehouse): BronzeRecords {
  async function facts(where: string, params: QueryParams): Promise<Fact[]> {
    const rows = await orEmpty(() =>
      warehouse.query<StoredFeatureEvent>(`SELECT ${featureEventColumns} FROM bronze.feature_events WHERE ${where}`, params),
    )
    return rows.map(toFactOfRow)
  }
  return {
    async completePositions() {
      const rows = await orEmpty(() => warehouse.query<{ writer: string; epoch_number: number; last_seq: number }>(completeSql))
      return rows.map(({ writer, epoch_number, last_seq }) => ({ writer_id: writer, epoch: epoch_number, seq: last_seq }))
    },
    async covers(range) {
      const sql = `SELECT toFloat64(uniqExact(seq)) AS found FROM ${seqs} WHERE ${inRange}`
      const rows = await orEmpty(() => warehouse.query<{ found: number }>(sql, rangeParams(range)))
      return (rows[0]?.found ?? 0) === range.toSeq - range.fromSeq + 1
    },
    async *factsUpTo(positions) {
      if (positions.length === 0) return
      const upTo = "seq <= {limits:Map(String, UInt64)}[concat(toString(epoch), '/', writer_id)]"
      const limits = new Map(positions.map(({ writer_id, epoch, seq }) => [`${epoch}/${writer_id}`, seq]))
      for await (const rows of warehouse.stream<StoredFeatureEvent>(
        `SELECT ${featureEventColumns} FROM bronze.feature_events WHERE ${upTo}`,
        { limits },
      ))
        yield rows.map(toFactOfRow)
    },
    factsIn: (range) => facts(`lane = 'feature_events' AND ${inRange}`, rangeParams(range)),
    factsOfEntity: ({ tenant, source, key, entityId, fromMs, toMs }) =>
      facts(
        `tenant = {tenant:String} AND source = {source:String} AND keys[{key:String}] = {entity:String}
        AND event_time >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND event_time < fromUnixTimestamp64Milli({to:Int64}, 'UTC')`,
        { tenant, source, key, entity: entityId, from: fromMs, to: toMs },
      ),
  }
}

function rangeParams({ writerId, epoch, fromSeq, toSeq }: SeqRange): QueryParams {
  return { writer: writerId, epoch, from: fromSeq, to: toSeq }
}

/** The query's rows, and none before the logger's first migration, when there is no table to read. */
async function orEmpty<T>(query: () => Promise<T[]>): Promise<T[]> {
  try {
    return await query()
  } catch (error) {
    if (error instanceof WarehouseQueryError && error.reason === 'no_table') return []
    throw error
  }
}

function toFactOfRow(row: StoredFeatureEvent): Fact {
  return toFact(toFeatureEvent(row), toOrigin(row))
}
