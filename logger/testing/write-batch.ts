import type { LogRecord } from '../../platform/event-log/event-log.ts'
import { prepareBatch } from '../pipeline/prepare-batch.ts'
import { type BatchResult, storeBatch, type WriteBatchDeps } from '../pipeline/write-batch.ts'

/** Prepares records and stores them, as the pipeline does in two steps. */
export async function writeBatch(records: readonly LogRecord[], deps: WriteBatchDeps): Promise<BatchResult> {
  return storeBatch(await prepareBatch(records), deps)
}
