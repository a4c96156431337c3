import type { LabelEvent } from '../../../contracts/label-event.ts'
import type { Warehouse } from '../../../platform/warehouse/warehouse.ts'
import { fromColumnTime } from '../../../platform/warehouse/column-time.ts'

export type NamedTarget = Pick<LabelEvent, 'prediction_id' | 'request_id' | 'index' | 'anchor'>

/** The earliest anchor time of the decisions that a label names, as RFC 3339; undefined where the warehouse has none of them. */
export type AnchorOf = (target: NamedTarget) => string | undefined

/** The days are the partitions of the predictions. Each of many attempts at a request has its anchor time, so of these come the earliest alone. */
const byTargets = `
SELECT 'prediction' AS kind, toString(prediction_id) AS target, 0 AS instance, '' AS named, toString(min(anchor_time)) AS earliest
FROM bronze.prediction_events
WHERE tenant = {tenant:String} AND prediction_id IN {predictions:Array(UUID)}
  AND toDate(UUIDv7ToDateTime(prediction_id, 'UTC')) IN {days:Array(Date)}
GROUP BY target
UNION ALL
SELECT 'request' AS kind, request_id AS target, \`index\` AS instance, anchor AS named, toString(min(anchor_time)) AS earliest
FROM bronze.prediction_events
WHERE tenant = {tenant:String} AND request_id IN {requests:Array(String)} AND notEmpty({requests:Array(String)})
GROUP BY target, instance, named`

type Row = { kind: 'prediction' | 'request'; target: string; instance: number; named: string; earliest: string }

/** Looks up the anchor times of the predictions and requests that labels name, of both in one query. */
export async function findAnchors(
  warehouse: Pick<Warehouse, 'query'>,
  { tenant, targets, withinMs }: { tenant: string; targets: readonly NamedTarget[]; withinMs: number },
): Promise<AnchorOf> {
  const predictions = distinct(targets.map(({ prediction_id: id }) => id?.toLowerCase())).filter((id) => dayOf(id) !== undefined)
  const requests = distinct(targets.map(({ request_id: id }) => id))
  const params = { tenant, predictions, requests, days: distinct(predictions.map(dayOf)) }
  const rows = await warehouse.query<Row>(byTargets, params, { max_execution_time: Math.ceil(withinMs / 1000) })
  const found = new Map<string, Row[]>()
  for (const row of rows) found.set(`${row.kind} ${row.target}`, [...(found.get(`${row.kind} ${row.target}`) ?? []), row])
  return (target) => {
    const [earliest] = decisionsOf(target, found)
      .map((row) => row.earliest)
      .toSorted()
    return earliest === undefined ? undefined : fromColumnTime(earliest)
  }
}

function decisionsOf(
  { prediction_id: prediction, request_id: request, index, anchor }: NamedTarget,
  found: ReadonlyMap<string, Row[]>,
): Row[] {
  if (prediction !== undefined) return found.get(`prediction ${prediction.toLowerCase()}`) ?? []
  if (request === undefined) return []
  const decisions = found.get(`request ${request}`) ?? []
  return decisions.filter((row) => (index ?? row.instance) === row.instance && (anchor ?? row.named) === row.named)
}

/** The day in a UUIDv7, whose first 48 bits are milliseconds; undefined for any other UUID, which is no prediction's. */
function dayOf(uuid: string): string | undefined {
  if (uuid[14] !== '7') return undefined
  const day = new Date(Number.parseInt(uuid.replace('-', '').slice(0, 12), 16)).toISOString()
  // A later day does not fit a Date of ClickHouse.
  return day < '2149' ? day.slice(0, 10) : undefined
}

function distinct(values: readonly (string | undefined)[]): string[] {
  return [...new Set(values.filter((value) => value !== undefined))]
}
