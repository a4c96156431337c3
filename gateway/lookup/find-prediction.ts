import { ServiceError } from '../../contracts/errors.ts'
import type { PredictionEvent } from '../../contracts/prediction-event.ts'
import type { PredictionFateState, UnansweredReason } from '../../contracts/prediction-fate.ts'
import { type PredictionRow, toPredictionEvent } from '../../platform/schema/rows/prediction-row.ts'
import type { Stored } from '../../platform/schema/rows/stored.ts'
import { type Warehouse, WarehouseQueryError } from '../../platform/warehouse/warehouse.ts'

/** The condition that finds a prediction by its id, whose day is its partition. */
const isIt = `tenant = {tenant:String} AND prediction_id = {id:UUID}
  AND toDate(UUIDv7ToDateTime(prediction_id, 'UTC')) = toDate(UUIDv7ToDateTime({id:UUID}, 'UTC'))`

/**
 * The first of several records under one id counts, and its fate is judged, as in silver.predictions; read from bronze because a
 * view that settles every id is slow for one.
 */
const byId = `
WITH (SELECT groupArray((fate, reason)) FROM bronze.prediction_fates WHERE ${isIt}) AS told
SELECT
  event.*,
  multiIf(
    route = 'shadow' OR trigger = 'replay' OR lane != 'predictions', NULL,
    arrayExists(one -> one.1 != 'unanswered', told), 'answered',
    notEmpty(told), 'unanswered',
    seq <= settled.through, 'answered',
    'unknown') AS fate,
  if(fate = 'unanswered', told[1].2, NULL) AS unanswered_reason
FROM
(
  SELECT * FROM bronze.prediction_events WHERE ${isIt} ORDER BY ingested_at, writer_id, epoch, lane, seq, payload_hash LIMIT 1
) AS event
LEFT JOIN
(
  SELECT writer_id, epoch, max(settled_through) AS through FROM bronze.settled WHERE lane = 'predictions' GROUP BY writer_id, epoch
) AS settled USING (writer_id, epoch)`

/** A prediction event and what its caller was told. */
export type StoredPrediction = PredictionEvent & { fate?: PredictionFateState; unanswered_reason?: UnansweredReason }

type PredictionWithFate = Stored<PredictionRow> & { fate: PredictionFateState | null; unanswered_reason: UnansweredReason | null }

/** The event of a prediction as the warehouse holds it; undefined when it does not. */
export async function findPrediction(warehouse: Warehouse, place: { tenant: string; id: string }): Promise<StoredPrediction | undefined> {
  const [row] = await warehouse.query<PredictionWithFate>(byId, place).catch(translate)
  if (row === undefined) return undefined
  const { fate, unanswered_reason } = row
  return { ...toPredictionEvent(row), ...(fate !== null && { fate }), ...(unanswered_reason !== null && { unanswered_reason }) }
}

function translate(error: unknown): never {
  if (error instanceof WarehouseQueryError && error.reason === 'no_table')
    throw new ServiceError('not_ready', 'the warehouse has no tables yet', { cause: error, hint: 'the logger makes them when it starts' })
  throw error
}
