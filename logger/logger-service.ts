import type { EventLogConsumer } from '../platform/event-log/event-log.ts'
import { migrate } from '../platform/schema/migrate.ts'
import { repeat, type RepeatOptions } from '../platform/service/repeat.ts'
import { isRetryable, retry } from '../platform/service/retry.ts'
import type { RunningService, ServiceContext } from '../platform/service/service.ts'
import type { Tracing } from '../platform/service/tracing.ts'
import type { Warehouse } from '../platform/warehouse/warehouse.ts'
import { compactDelivered } from './pipeline/compact-delivered.ts'
import type { LoggerConfig } from './config.ts'
import { createLoggerMetrics, sumByLane } from './metrics.ts'
import { createPipeline, type PipelineDeps } from './pipeline/pipeline.ts'
import { createTraceBatch } from './pipeline/trace-batches.ts'

const compactEveryMs = 3_600_000
const backOff = { firstMs: 500, mostMs: 500 }

/**
 * Migrates the warehouse, then moves the event log into it. Starts before the warehouse answers and waits for it, not
 * ready until then. Closes consumer and warehouse when drained.
 */
export function startLogger(
  context: Pick<ServiceContext<LoggerConfig>, 'config' | 'logger' | 'meter' | 'fail'> & { tracing?: Tracing | undefined },
  { consumer, warehouse }: { consumer: EventLogConsumer; warehouse: Warehouse },
): RunningService {
  const { config, logger, meter, fail } = context
  const metrics = createLoggerMetrics(meter)
  const stopping = new AbortController()
  const seen = {
    migrated: false,
    records: 0,
    dead: 0,
    lastStoredAt: undefined as string | undefined,
    retrying: undefined as string | undefined,
  }
  metrics.observeLag(consumer)
  const compacting: RepeatOptions = {
    everyMs: compactEveryMs,
    firstAfterMs: compactEveryMs,
    signal: stopping.signal,
    onFault: (error) => logger.warn({ err: error }, 'runs of delivered records could not be joined'),
  }

  const pipeline = createPipeline({
    consumer,
    warehouse,
    limits: limitsOf(config),
    traceBatch: createTraceBatch(context.tracing),
    ...observers(),
  })
  const work = start().catch(fail)

  async function start(): Promise<void> {
    await waitAndMigrate()
    if (seen.migrated) await Promise.all([pipeline.run(), repeat(compact, compacting)])
  }

  async function waitAndMigrate(): Promise<void> {
    const onRetry = ({ error }: { error: unknown }) => logger.warn({ err: error }, 'waiting for the warehouse')
    try {
      const applied = await retry(() => migrate(warehouse), { backOff, signal: stopping.signal, onRetry })
      for (const name of applied) logger.info({ migration: name }, 'migration applied')
      seen.migrated = true
    } catch (error) {
      if (!(stopping.signal.aborted && isRetryable(error))) throw error
    }
  }

  async function compact(): Promise<void> {
    const { removed, added } = await compactDelivered(warehouse)
    if (removed > 0) logger.info({ removed, added }, 'runs of delivered records joined')
  }

  function observers(): Pick<PipelineDeps, 'onInsert' | 'onRetry' | 'onBatch'> {
    return {
      onInsert: metrics.onInsert,
      onRetry({ attempt, pauseMs, error }) {
        metrics.onRetry()
        seen.retrying = error instanceof Error ? error.message : String(error)
        logger.warn({ err: error, attempt, retry_in_ms: pauseMs }, 'insert failed; nothing of it is confirmed')
      },
      onBatch(result) {
        metrics.onBatch(result)
        seen.records += result.settled.length
        seen.dead += result.dispositions.dead
        if (result.dispositions.retry > 0) return
        seen.retrying = undefined
        seen.lastStoredAt = new Date().toISOString()
        if (result.dispositions.dead > 0) logger.warn({ rejects: result.rejects }, 'records went to rejects')
      },
    }
  }

  return {
    async drain() {
      stopping.abort()
      await pipeline.stop()
      await work
      await consumer.close()
      await warehouse.close()
    },
    async checks() {
      return { event_log: consumer.reachable(), warehouse: await warehouse.ping(), migrations: seen.migrated }
    },
    async status() {
      const { records, dead, lastStoredAt, retrying } = seen
      return { lag: sumByLane(await consumer.lag()), records, dead, last_stored_at: lastStoredAt ?? null, retrying: retrying ?? null }
    },
  }
}

function limitsOf(config: LoggerConfig): PipelineDeps['limits'] {
  return {
    maxRows: config.HINDSIGHT_LOGGER_MAX_ROWS,
    maxBytes: config.HINDSIGHT_LOGGER_MAX_BYTES,
    maxWaitMs: config.HINDSIGHT_LOGGER_MAX_WAIT_MS,
  }
}
