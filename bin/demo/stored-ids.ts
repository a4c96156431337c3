import { toTimestamp } from '../../contracts/primitives.ts'
import { storeUnavailable } from '../../features/assembly/serve-feature.ts'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import { model, type ReplayPlan } from './replay-plan.ts'

/** The counts of what is stored of one flight's question. Shadows are no attempts. */
export type StoredFlight = {
  attempts: number
  /** 1 once an attempt was answered, or may have been; else 0. */
  counted: number
  unanswered: number
  repeated: number
  /** The attempt that counts saw its features, and every shadow has said what it would have. */
  isWhole: boolean
}

/** The flights whose messages the warehouse has. */
export type StoredIds = {
  predictions: ReadonlyMap<string, StoredFlight>
  /** The ids of stored landings, those kept in rejects included. */
  events: ReadonlySet<string>
  labels: ReadonlySet<string>
}

/** Reads what earlier replays of these days have stored. */
export async function readStoredIds(warehouse: Warehouse, plan: ReplayPlan): Promise<StoredIds> {
  const landings = { from: toTimestamp(plan.landingFromMs), to: toTimestamp(plan.landingToMs) }
  const events = `SELECT event_id AS id FROM silver.feature_events WHERE source = 'flight_landed' AND ${within('event_time')}
    UNION DISTINCT SELECT id FROM bronze.rejects WHERE kind = 'reject' AND name = 'flight_landed'`
  const labels = `SELECT label_id AS id FROM silver.labels WHERE label = 'arrived_late' AND ${within('event_time')}`
  return {
    predictions: await readFlights(warehouse, plan),
    events: await readIds(warehouse, events, landings),
    labels: await readIds(warehouse, labels, landings),
  }
}

type FlightRow = Record<'id' | 'attempts' | 'counted' | 'unanswered' | 'repeated' | 'complete', string> & { shadows: string[] }

async function readFlights(warehouse: Warehouse, plan: ReplayPlan): Promise<ReadonlyMap<string, StoredFlight>> {
  const rows = await warehouse.query<FlightRow>(
    `SELECT
       request_id AS id,
       countIf(route != 'shadow') AS attempts,
       countIf(route != 'shadow' AND counts) AS counted,
       countIf(route != 'shadow' AND left_out = 'unanswered') AS unanswered,
       countIf(route != 'shadow' AND left_out = 'repeated') AS repeated,
       countIf(route != 'shadow' AND counts AND status = 'ok' AND NOT has(mapValues(feature_reason), {unread:String})) AS complete,
       groupUniqArrayIf(toString(model_version), route = 'shadow' AND counts AND status = 'ok' AND NOT has(mapValues(feature_reason), {unread:String})) AS shadows
     FROM gold.predictions
     WHERE model = {model:String} AND trigger = 'api' AND route != 'pinned' AND ${within('anchor_time')}
     GROUP BY id`,
    { from: toTimestamp(plan.anchorFromMs), to: toTimestamp(plan.anchorToMs), model, unread: storeUnavailable },
  )
  // A deployment without shadows, or whose shadow is not served, misses none.
  const versions = new Set(rows.flatMap(({ shadows }) => shadows)).size
  return new Map(
    rows.map(({ id, attempts, counted, unanswered, repeated, complete, shadows }) => [
      id,
      {
        attempts: Number(attempts),
        counted: Number(counted),
        unanswered: Number(unanswered),
        repeated: Number(repeated),
        isWhole: Number(complete) > 0 && shadows.length === versions,
      },
    ]),
  )
}

function within(column: string): string {
  const time = (name: string) => `parseDateTime64BestEffort({${name}:String}, 3, 'UTC')`
  return `${column} >= ${time('from')} AND ${column} < ${time('to')}`
}

async function readIds(warehouse: Warehouse, sql: string, params: Record<string, string>): Promise<ReadonlySet<string>> {
  const rows = await warehouse.query<{ id: string }>(sql, params)
  return new Set(rows.map(({ id }) => id))
}
