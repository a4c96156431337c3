import type { EventLogConsumer, LogRecord } from '../../platform/event-log/event-log.ts'

export type BatchLimits = {
  /** The most records in one batch. */
  maxRows: number
  /** The most payload bytes in one batch. */
  maxBytes: number
  /** Longest a record waits for others to share its insert, in milliseconds. */
  maxWaitMs: number
}

/** Longest wait for a first record; the batch is empty then. */
const idleWaitMs = 2_000

/**
 * The next batch: from the first record on, whatever arrives until one of the limits is met or the signal aborts. Empty
 * when nothing comes for a while.
 */
export async function collectBatch(options: {
  consumer: Pick<EventLogConsumer, 'fetch'>
  limits: BatchLimits
  signal: AbortSignal
  now: () => number
  pause: (ms: number) => Promise<void>
}): Promise<LogRecord[]> {
  const { consumer, limits, signal, now, pause } = options
  const batch = await consumer.fetch({ maxRecords: limits.maxRows, maxBytes: limits.maxBytes, waitMs: idleWaitMs, signal })
  const until = now() + limits.maxWaitMs
  let bytes = sizeOf(batch)
  while (batch.length > 0 && !signal.aborted) {
    const room = { maxRecords: limits.maxRows - batch.length, maxBytes: limits.maxBytes - bytes }
    if (room.maxRecords <= 0 || room.maxBytes <= 0) return batch
    const more = await consumer.fetch({ ...room, waitMs: 0, signal })
    bytes += sizeOf(more)
    for (const record of more) batch.push(record)
    const leftMs = until - now()
    if (leftMs <= 0) return batch
    if (more.length === 0) await pause(Math.min(leftMs, limits.maxWaitMs / 4))
  }
  return batch
}

function sizeOf(records: readonly LogRecord[]): number {
  return records.reduce((sum, { payload }) => sum + payload.byteLength, 0)
}
