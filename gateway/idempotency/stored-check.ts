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
