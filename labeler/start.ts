import type { Project } from '../platform/project/project.ts'
import type { RunningService, ServiceContext } from '../platform/service/service.ts'
import type { Warehouse } from '../platform/warehouse/warehouse.ts'
import type { LabelerConfig } from './config.ts'
import { createSnapshots } from './snapshots.ts'
import { createSyncer } from './syncer.ts'
import { isRetryable, retry } from '../platform/service/retry.ts'
import { repeat } from '../platform/service/repeat.ts'

/** The warehouse may start after us, and the logger migrates it. */
const backOff = { firstMs: 200, mostMs: 5_000 }

export type LabelerDeps = { warehouse: Warehouse; loadProject(): Promise<Project>; now(): number; newId(): string }

/**
 * Starts the labeler: it waits in the background for the warehouse to be there and migrated, then keeps the views at
 * the project's definitions and saves evaluations. Ready once the views are there.
 */
export function startLabeler(
  { config, logger }: Pick<ServiceContext<LabelerConfig>, 'config' | 'logger'>,
  deps: LabelerDeps,
): RunningService {
  const syncer = createSyncer(deps)
  const snapshots = createSnapshots(deps)
  const stopping = new AbortController()
  const { signal } = stopping
  const firstSync = retry(syncer.sync, { backOff, signal, isWorth: () => true, onRetry: tellOfRetry }).then(
    (result) => logger.info(result ?? {}, 'views created'),
    () => undefined,
  )

  function tellOfRetry({ error, pauseMs }: { error: unknown; pauseMs: number }): void {
    const isEarly = isRetryable(error)
    const reason = isEarly ? { reason: (error as Error).message } : { err: error }
    logger[isEarly ? 'info' : 'warn']({ ...reason, retry_in_ms: pauseMs }, 'views cannot be created yet')
  }

  async function sync(): Promise<void> {
    const result = await syncer.sync()
    if (result !== undefined) logger.info(result, 'views follow the changed definitions')
  }

  async function evaluate(): Promise<void> {
    const project = syncer.project()
    for (const [model, { definition }] of project?.models ?? []) {
      if (signal.aborted || project === undefined || !project.labels.has(definition.primary_label)) continue
      try {
        if (await snapshots.take(project, model)) logger.info({ model }, 'evaluation saved')
      } catch (error) {
        snapshots.failed(model, error instanceof Error ? error.message : String(error))
        logger.warn({ err: error, model }, 'model could not be evaluated')
      }
    }
  }

  const warn = (message: string) => (error: unknown) => logger.warn({ err: error }, message)
  const working = firstSync.then(() =>
    Promise.all([
      repeat(sync, { everyMs: config.HINDSIGHT_PROJECT_POLL_MS, signal, onFault: warn('definitions could not be synced') }),
      repeat(evaluate, { everyMs: config.HINDSIGHT_EVALUATION_INTERVAL_MS, signal, onFault: warn('models could not be evaluated') }),
    ]),
  )

  return {
    async drain() {
      stopping.abort()
      await working
      await deps.warehouse.close()
    },
    checks: async () => ({ views: syncer.project() !== undefined, warehouse: await deps.warehouse.ping() }),
    status: async () => ({ ...syncer.status(), models: snapshots.status() }),
  }
}
