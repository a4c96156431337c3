import type { ServiceError } from '../contracts/errors.ts'
import type { EventLogConsumer, LogRecord } from '../platform/event-log/event-log.ts'
import { usesNats } from '../platform/nats/nats-config.ts'
import type { ScannableOnlineStore } from '../platform/online-store/online-store.ts'
import type { RunningService, ServiceContext } from '../platform/service/service.ts'
import type { Warehouse } from '../platform/warehouse/warehouse.ts'
import type { FeaturesConfig } from './config.ts'
import type { TileGrid } from './engine/compile-view.ts'
import type { MaintenancePolicy } from './engine/maintain.ts'
import { createBronzeRecords, type SeqRange } from './materializer/bronze-records.ts'
import { createHousekeeping } from './materializer/housekeeping.ts'
import { createMaterializer } from './materializer/materializer.ts'
import { readRebuild, writeRebuild, type RebuildState } from './materializer/rebuild-request.ts'
import { createStoreWriter } from './materializer/store-writer.ts'
import { createFeaturesMetrics } from './metrics.ts'
import { createSerial } from '../platform/service/serial.ts'
import { repeat } from '../platform/service/repeat.ts'
import { retry } from '../platform/service/retry.ts'
import { pause } from '../platform/service/pause.ts'

export type FeaturesServiceDeps = {
  consumer: EventLogConsumer
  store: ScannableOnlineStore
  warehouse: Warehouse
  grids: readonly TileGrid[]
  isDamaged(range: SeqRange): boolean
  now: () => number
}

/** Bounds what is decoded at once; far above what the records of a batch take. */
const maxBatchBytes = 16 * 1024 * 1024
/** The pause between looks at the store when the log is silent. */
const idleMs = 250
const stepEveryMs = 200
const catchUpEveryMs = 2_000
/** A new store opens in milliseconds; a load takes as long as it takes, and the process answers meanwhile. */
const openWaitMs = 5_000
const backOff = { firstMs: 50, mostMs: 2_000 }
/** How long after a load the warehouse is asked for more: longer than the logger ever waits to share an insert. */
const catchUpForMs = 60_000

/**
 * Keeps the online store: opens it, then applies the log until drained. Closes all it was given. Resolves when the
 * store is open, or is still being loaded after `openWaitMs`; until then it is not ready.
 */
export async function startFeatures(
  context: Pick<ServiceContext<FeaturesConfig>, 'config' | 'logger' | 'meter' | 'fail'>,
  deps: FeaturesServiceDeps,
): Promise<RunningService> {
  const { config, logger, meter, fail } = context
  const { consumer, store, warehouse, grids, now } = deps
  const metrics = createFeaturesMetrics(meter)
  const stopping = new AbortController()
  const { signal } = stopping
  const seen = {
    ready: false,
    facts: 0,
    malformed: 0,
    appliedAt: undefined as string | undefined,
    waiting: undefined as string | undefined,
  }
  const bronze = createBronzeRecords(warehouse)
  const writer = createStoreWriter({ store, grids, policy: toPolicy(config), now })
  const materializer = createMaterializer({
    writer,
    bronze,
    isDamaged: deps.isDamaged,
    gapPatienceMs: gapPatienceMs(config),
    signal,
    onApplied(counts) {
      metrics.onApplied(counts)
      seen.facts += counts.facts
      seen.malformed += counts.malformed
      seen.appliedAt = new Date(now()).toISOString()
      if (counts.malformed > 0) logger.warn({ records: counts.malformed }, 'records that are no feature events were passed over')
    },
    onGap(range, outcome) {
      metrics.onGap(range.toSeq - range.fromSeq + 1, outcome)
      if (outcome === 'lost') logger.error({ range }, 'records that neither the log nor the warehouse has were passed over')
      else logger.warn({ range }, 'records that the log skipped were taken from the warehouse')
    },
    onLoad: ({ facts, done }) => void (done && logger.info({ facts }, 'online store loaded from the warehouse')),
    onWaiting: (error) => void (seen.waiting = error instanceof Error ? error.message : String(error)),
  })
  const onError = (error: unknown) => logger.warn({ err: error }, 'a tile could not be read from the warehouse; trying again')
  const housekeeping = createHousekeeping({ store, writer, bronze, warehouse, now, onError })
  // What a broker lost at the end of an epoch, no later record shows to be missing.
  let catchUpUntil = usesNats(config) ? Infinity : -Infinity
  /** Batches, housekeeping and catching up write to the store: one at a time. */
  const inTurn = createSerial()
  let confirming: Promise<void> = Promise.resolve()

  const opened = materializer.open()
  const work = run().catch(unlessStopped)

  function unlessStopped(error: unknown): void {
    if (!signal.aborted) fail(error)
  }

  async function run(): Promise<void> {
    const loaded = await opened
    if (signal.aborted) return
    if (loaded) catchUpUntil = Math.max(catchUpUntil, performance.now() + catchUpForMs)
    seen.ready = true
    await Promise.all([
      applyAlways(),
      repeat(() => inTurn(keepHouse), { everyMs: stepEveryMs, signal, onFault: unlessStopped }),
      repeat(() => inTurn(catchUp), { everyMs: catchUpEveryMs, signal, onFault: unlessStopped }),
    ])
  }

  async function applyAlways(): Promise<void> {
    while (!signal.aborted) {
      const records = await consumer.fetch({
        maxRecords: config.HINDSIGHT_FEATURES_MAX_RECORDS,
        maxBytes: maxBatchBytes,
        waitMs: idleMs,
        signal,
      })
      if (records.length > 0) await inTurn(() => applyBatch(records))
    }
  }

  async function applyBatch(records: readonly LogRecord[]): Promise<void> {
    const startedAt = performance.now()
    await retried(() => materializer.apply(records))
    const newest = Math.max(...records.map((record) => record.appendedAtMs))
    metrics.onBatch({ seconds: (performance.now() - startedAt) / 1000, visibleAfterSeconds: Math.max(0, now() - newest) / 1000 })
    // The next batch need not wait for the cursor: after a crash, records that come again change nothing.
    await confirming
    confirming = consumer.confirm(records)
    confirming.catch(() => undefined)
  }

  function keepHouse(): Promise<void> {
    return retried(async () => {
      await rebuildOnRequest()
      await housekeeping.step()
    })
  }

  async function catchUp(): Promise<void> {
    if (performance.now() <= catchUpUntil) await retried(() => materializer.catchUp())
  }

  /** Loads the store anew on the command's request, or when it was emptied under this process. */
  async function rebuildOnRequest(): Promise<void> {
    const request = await readRebuild(store)
    const requested = request !== undefined && request.state !== 'done'
    if (requested || !(await writer.isReady())) await rebuild(request)
  }

  async function rebuild(request: RebuildState | undefined): Promise<void> {
    seen.ready = false
    logger.info({ request }, 'rebuilding the online store')
    const facts = await materializer.reload()
    if (request !== undefined) await writeRebuild(store, { ...request, state: 'done', facts })
    catchUpUntil = Math.max(catchUpUntil, performance.now() + catchUpForMs)
    seen.ready = true
  }

  /** Looks at the store again after a failed commit: nobody knows what of it is stored, or whether the store has lost something meanwhile. */
  async function lookAgain(): Promise<void> {
    if (!(await writer.isReady())) await rebuild(undefined)
    else if (await writer.refresh()) {
      logger.warn('the online store has gone back to an older state; the warehouse has the rest')
      catchUpUntil = Math.max(catchUpUntil, performance.now() + catchUpForMs)
    }
  }

  async function retried(action: () => Promise<void>): Promise<void> {
    let hasFailed = false
    async function attempt(): Promise<void> {
      if (hasFailed) await lookAgain()
      await action()
    }
    function onRetry({ error, pauseMs }: { error: unknown; pauseMs: number }): void {
      hasFailed = true
      seen.waiting = (error as ServiceError).message
      logger.warn({ err: error, retry_in_ms: pauseMs }, 'a batch could not be applied, and nothing of it is committed; trying again')
    }
    await retry(attempt, { backOff, signal, onRetry })
    seen.waiting = undefined
  }

  await Promise.race([opened.catch(() => undefined), pause(openWaitMs, signal, { ref: false })])
  return {
    async drain() {
      stopping.abort()
      await work
      await confirming.catch((error: unknown) => logger.warn({ err: error }, 'the last batch was not confirmed and will come again'))
      await housekeeping.stop()
      await consumer.close()
      await store.close()
      await warehouse.close()
    },
    async checks() {
      return { event_log: consumer.reachable(), online_store: await store.ping().then(always, never), loaded: seen.ready }
    },
    async status() {
      const { facts, malformed, appliedAt, waiting } = seen
      return {
        lag: await consumer.lag(),
        facts,
        malformed,
        last_applied_at: appliedAt ?? null,
        tiles_waiting_for_rebuild: housekeeping.waiting(),
        waiting_for: waiting ?? null,
      }
    },
  }
}

/** How long a gap is waited for: a broker's lost message is published again after twice `ack_wait`, and if that is lost too, after four times. */
function gapPatienceMs(config: FeaturesConfig): number {
  const { HINDSIGHT_FEATURES_GAP_PATIENCE_MS: patienceMs, NATS_ACK_WAIT_MS: ackWaitMs } = config
  return usesNats(config) ? Math.max(patienceMs, 8 * ackWaitMs) : patienceMs
}

const always = () => true
const never = () => false

function toPolicy(config: FeaturesConfig): MaintenancePolicy {
  return {
    foldAfterMs: config.HINDSIGHT_FEATURES_FOLD_AFTER_MINUTES * 60_000,
    foldMinRows: config.HINDSIGHT_FEATURES_FOLD_MIN_ROWS,
    maxRowsPerBlock: config.HINDSIGHT_FEATURES_MAX_ROWS,
    expireGraceMs: config.HINDSIGHT_FEATURES_EXPIRE_GRACE_MINUTES * 60_000,
  }
}
