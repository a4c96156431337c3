import { setTimeout as sleep } from 'node:timers/promises'
import { ServiceError } from '../contracts/errors.ts'
import type { EventLogConsumer } from '../platform/event-log/event-log.ts'
import { migrate } from '../platform/schema/migrate.ts'
import type { RunningService, ServiceContext } from '../platform/service/service.ts'
import type { Tracing } from '../platform/service/tracing.ts'
import type { Warehouse } from '../platform/warehouse/warehouse.ts'
import { compactDelivered } from './pipeline/compact-delivered.ts'
import type { LoggerConfig } from './config.ts'
import { createLoggerMetrics, sumByLane } from './metrics.ts'
import { createPipeline, type PipelineDeps } from './pipeline/pipeline.ts'
import { createTraceBatch } from './pipeline/trace-batches.ts'

const compactEveryMs = 3_600_000

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

  const pipeline = createPipeline({
    consumer,
    warehouse,
    limits: limitsOf(config),
    traceBatch: createTraceBatch(context.tracing),
    ...observers(),
  })
  const work = waitAndMigrate()
    .then((ready) => (ready ? Promise.all([pipeline.run(), keepCompact()]) : undefined))
    .catch(fail)

  async function waitAndMigrate(): Promise<boolean> {
    while (!stopping.signal.aborted) {
      try {
        for (const name of await migrate(warehouse)) logger.info({ migration: name }, 'migration applied')
        seen.migrated = true
        return true
      } catch (error) {
        if (!(error instanceof ServiceError && error.retryable)) throw error
        logger.warn({ err: error }, 'waiting for the warehouse')
        await sleep(500, undefined, { signal: stopping.signal }).catch(() => undefined)
      }
    }
    return false
  }

  /** Nothing waits for it, and what fails is done an hour later. */
  async function keepCompact(): Promise<void> {
    const nextHour = () => sleep(compactEveryMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    for (await nextHour(); !stopping.signal.aborted; await nextHour()) {
      try {
        const { removed, added } = await compactDelivered(warehouse)
        if (removed > 0) logger.info({ removed, added }, 'runs of delivered records joined')
      } catch (error) {
        logger.warn({ err: error }, 'runs of delivered records could not be joined')
      }
    }
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
