import { pause } from '../../platform/service/pause.ts'
import type { EventLogConsumer } from '../../platform/event-log/event-log.ts'
import { failpoint } from '../../platform/service/failpoint.ts'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import { createBufferPool } from './buffer-pool.ts'
import { type BatchLimits, collectBatch } from './collect-batch.ts'
import { prepareBatch, type PreparedBatch } from './prepare-batch.ts'
import { createTraceBatch, type TraceBatch } from './trace-batches.ts'
import { type BatchResult, storeBatch, type WriteBatchDeps } from './write-batch.ts'

export type PipelineDeps = {
  consumer: EventLogConsumer
  warehouse: Pick<Warehouse, 'insert'>
  limits: BatchLimits
  now?: () => number
  onBatch?: (result: BatchResult) => void
  traceBatch?: TraceBatch
} & Pick<WriteBatchDeps, 'onInsert' | 'onRetry'>

export type Pipeline = {
  /** Moves records until `stop`. Rejects on a fault of the event log: there is nothing left to do then. */
  run(): Promise<void>
  /** Takes no more, stores and confirms what it holds unless the warehouse is away, and resolves when `run` has. */
  stop(): Promise<void>
}

/** Batches in a row without a record, for each of which the collector waits two seconds. */
const idleRoundsUntilQuiet = 15

/**
 * Event log to warehouse: collect, prepare, insert, confirm. While one batch is inserted the next one is collected and
 * prepared, so that two are in memory at most. A record is confirmed only when it is stored, as an event or as a reject.
 */
export function createPipeline(deps: PipelineDeps): Pipeline {
  const { consumer, warehouse, limits, now = Date.now, traceBatch = createTraceBatch(undefined) } = deps
  const stopping = new AbortController()
  const { signal } = stopping
  let running: Promise<void> | undefined

  const writeDeps: WriteBatchDeps = { ...deps, warehouse, pause: untilStopped, givenUp: () => signal.aborted }

  function untilStopped(ms: number): Promise<void> {
    return pause(ms, signal)
  }

  async function store(batch: PreparedBatch): Promise<void> {
    failpoint('logger.before_insert')
    const result = await storeBatch(batch, writeDeps)
    failpoint('logger.after_insert')
    if (result.settled.length > 0) await consumer.confirm(result.settled)
    failpoint('logger.after_confirm')
    deps.onBatch?.(result)
  }

  async function move(): Promise<void> {
    const pool = createBufferPool()
    let idleRounds = 0
    let storing: Promise<void> = Promise.resolve()
    while (!signal.aborted) {
      const collecting = collectBatch({ consumer, limits, signal, now, pause: untilStopped }).then((records) => prepareBatch(records, pool))
      const [batch] = await Promise.all([collecting, storing])
      idleRounds = batch.entries.length === 0 ? idleRounds + 1 : 0
      // The memory of a busy time is not kept through a quiet one.
      if (idleRounds === idleRoundsUntilQuiet) pool.clear()
      if (batch.entries.length > 0) storing = traceBatch(batch.entries, () => store(batch))
    }
    await storing
  }

  return {
    run: () => (running ??= move()),
    async stop() {
      stopping.abort()
      await running
    },
  }
}
