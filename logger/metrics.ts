import type { Meter } from '@opentelemetry/api'
import type { EventLogConsumer } from '../platform/event-log/event-log.ts'
import type { BatchResult } from './pipeline/write-batch.ts'

/** What the logger counts, for `/metrics`. */
export function createLoggerMetrics(meter: Meter) {
  const records = meter.createCounter('hindsight_logger_records_total', {
    description: 'Records of the event log by outcome: ok, dead, drop or retry.',
  })
  const rejects = meter.createCounter('hindsight_logger_dead_total', {
    description: 'Records that went to rejects because they cannot be stored, by code.',
  })
  const rows = meter.createCounter('hindsight_logger_rows_total', {
    description: 'Rows that the logger inserted into the warehouse, by table.',
  })
  const batches = meter.createCounter('hindsight_logger_batches_total', {
    description: 'Batches of records that the logger stored and confirmed.',
  })
  const retries = meter.createCounter('hindsight_logger_retries_total', {
    description: 'Inserts into the warehouse that failed and were tried again.',
  })
  const seconds = meter.createHistogram('hindsight_logger_insert_seconds', {
    description: 'Time of one insert into the warehouse, by table.',
    unit: 's',
    advice: { explicitBucketBoundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] },
  })
  const lagRecords = meter.createObservableGauge('hindsight_logger_lag_records', {
    description: 'Records durable in the log and not yet stored, by lane.',
  })
  const lagSeconds = meter.createObservableGauge('hindsight_logger_lag_seconds', {
    description: 'Age of the oldest record durable in the log and not yet stored, by lane.',
    unit: 's',
  })
  return {
    onInsert(event: { table: string; rows: number; seconds: number }) {
      rows.add(event.rows, { table: event.table })
      seconds.record(event.seconds, { table: event.table })
    },
    onRetry() {
      retries.add(1)
    },
    onBatch(result: BatchResult) {
      batches.add(1)
      for (const [outcome, count] of Object.entries(result.dispositions)) if (count > 0) records.add(count, { outcome })
      for (const [code, count] of Object.entries(result.rejects)) rejects.add(count, { code })
    },
    observeLag(consumer: Pick<EventLogConsumer, 'lag'>, now: () => number = Date.now) {
      meter.addBatchObservableCallback(
        async (observer) => {
          for (const lane of sumByLane(await consumer.lag())) {
            observer.observe(lagRecords, lane.records, { lane: lane.lane })
            observer.observe(lagSeconds, lane.oldestMs === undefined ? 0 : Math.max(0, now() - lane.oldestMs) / 1000, { lane: lane.lane })
          }
        },
        [lagRecords, lagSeconds],
      )
    },
  }
}

export type LaneLag = { lane: string; records: number; bytes: number; oldestMs: number | undefined }

/** The lag of each lane over all writers. */
export function sumByLane(lags: Awaited<ReturnType<EventLogConsumer['lag']>>): LaneLag[] {
  const lanes = new Map<string, LaneLag>()
  for (const lag of lags) {
    const sum = lanes.get(lag.lane) ?? { lane: lag.lane, records: 0, bytes: 0, oldestMs: undefined }
    const oldest = [sum.oldestMs, lag.oldestAppendedAtMs].filter((time) => time !== undefined)
    lanes.set(lag.lane, {
      lane: lag.lane,
      records: sum.records + lag.records,
      bytes: sum.bytes + (lag.bytes ?? 0),
      oldestMs: oldest.length === 0 ? undefined : Math.min(...oldest),
    })
  }
  return [...lanes.values()]
}
