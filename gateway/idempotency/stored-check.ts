import type { Logger } from 'pino'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import { findPrediction } from '../lookup/find-prediction.ts'
import type { IdempotencyDeps } from './idempotency.ts'

/** A warehouse that does not answer cannot tell: then the outbox alone has said what was committed. */
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
