import { ServiceError } from '../../contracts/errors.ts'
import { type Warehouse, WarehouseQueryError } from '../../platform/warehouse/warehouse.ts'
import { type PredictionRow, type StoredPrediction, toStoredPrediction } from './stored-prediction.ts'

/**
 * Of several records under one id the first counts, as in silver.predictions; read from bronze because a view that
 * settles every id is slow for one. The day of a UUIDv7 is its partition.
 */
const byId = `
SELECT *
FROM bronze.prediction_events
WHERE tenant = {tenant:String} AND prediction_id = {id:UUID}
  AND toDate(UUIDv7ToDateTime(prediction_id, 'UTC')) = toDate(UUIDv7ToDateTime({id:UUID}, 'UTC'))
ORDER BY ingested_at, writer_id, epoch, lane, seq, payload_hash
LIMIT 1`

/** The event of a prediction as the warehouse holds it; undefined when it does not. */
export async function findPrediction(warehouse: Warehouse, of: { tenant: string; id: string }): Promise<StoredPrediction | undefined> {
  const [row] = await warehouse.query<PredictionRow>(byId, of).catch(translate)
  return row === undefined ? undefined : toStoredPrediction(row)
}

/** ClickHouse's codes for a table and a database that do not exist: the logger has not made them yet. */
const notMigratedCodes = ['60', '81']

function translate(error: unknown): never {
  if (error instanceof WarehouseQueryError && notMigratedCodes.includes(error.exceptionCode))
    throw new ServiceError('not_ready', 'the warehouse has no tables yet', { cause: error, hint: 'the logger makes them when it starts' })
  throw error
}
