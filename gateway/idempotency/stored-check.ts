import type { Logger } from 'pino'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import { findPrediction } from '../lookup/find-prediction.ts'
import type { IdempotencyDeps } from './idempotency.ts'

/** Checks in the warehouse whether a prediction is stored; false when the warehouse does not answer, so that the outbox alone decides. */
export function createStoredCheck(warehouse: Warehouse, logger: Logger): IdempotencyDeps['isStored'] {
  return async function isStored(prediction) {
    try {
      return (await findPrediction(warehouse, prediction)) !== undefined
    } catch (error) {
      logger.warn({ err: error, prediction_id: prediction.id }, 'whether a prediction is stored cannot be told')
      return false
    }
  }
}

/**
 * Checks in the warehouse whether an answer's reject is stored, by the answer's id. False for an answer to labels: those that are written
 * again have the ids that they had, and are one.
 */
export function createRejectedCheck(warehouse: Pick<Warehouse, 'query'>, logger: Logger): IdempotencyDeps['isStored'] {
  return async function isStored({ id }) {
    try {
      const rows = await warehouse.query("SELECT 1 FROM bronze.rejects WHERE lane = 'labels' AND id = {id:String} LIMIT 1", { id })
      return rows.length > 0
    } catch (error) {
      logger.warn({ err: error, answer_id: id }, 'whether a reject is stored cannot be told')
      return false
    }
  }
}
