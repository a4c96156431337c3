import { toTimestamp } from '../../../contracts/primitives.ts'
import type { Warehouse } from '../../../platform/warehouse/warehouse.ts'
import type { ReplayPlan } from './replay-plan.ts'

/** The flights whose messages the warehouse has. */
export type StoredIds = {
  /** With how many predictions each has: a request that ran out of time was recorded, and sent again. */
  predictions: ReadonlyMap<string, number>
  /** Landings, those kept in rejects included. */
  events: ReadonlySet<string>
  labels: ReadonlySet<string>
}

/** What an earlier replay of these days has stored. */
export async function readStoredIds(warehouse: Warehouse, plan: ReplayPlan): Promise<StoredIds> {
  const anchors = { from: toTimestamp(plan.anchorFromMs), to: toTimestamp(plan.anchorToMs) }
  const landings = { from: toTimestamp(plan.landingFromMs), to: toTimestamp(plan.landingToMs) }
  const predictions = `SELECT request_id AS id, count() AS times FROM silver.predictions
    WHERE model = 'flight-delay' AND trigger = 'api' AND route != 'shadow' AND ${within('anchor_time')}
    GROUP BY id`
  const events = `SELECT event_id AS id FROM silver.feature_events WHERE source = 'flight_landed' AND ${within('event_time')}
    UNION DISTINCT SELECT id FROM bronze.rejects WHERE kind = 'reject' AND name = 'flight_landed'`
  const labels = `SELECT label_id AS id FROM silver.labels WHERE label = 'arrived_late' AND ${within('event_time')}`
  return {
    predictions: new Map(
      (await warehouse.query<{ id: string; times: string }>(predictions, anchors)).map(({ id, times }) => [id, Number(times)]),
    ),
    events: await readIds(warehouse, events, landings),
    labels: await readIds(warehouse, labels, landings),
  }
}

function within(column: string): string {
  const time = (name: string) => `parseDateTime64BestEffort({${name}:String}, 3, 'UTC')`
  return `${column} >= ${time('from')} AND ${column} < ${time('to')}`
}

async function readIds(warehouse: Warehouse, sql: string, params: Record<string, string>): Promise<ReadonlySet<string>> {
  const rows = await warehouse.query<{ id: string }>(sql, params)
  return new Set(rows.map(({ id }) => id))
}
