import { setTimeout as sleep } from 'node:timers/promises'
import { ServiceError } from '../contracts/errors.ts'
import type { Project } from '../platform/project/project.ts'
import type { RunningService, ServiceContext } from '../platform/service/service.ts'
import type { Warehouse } from '../platform/warehouse/warehouse.ts'
import type { LabelerConfig } from './config.ts'
import { repeat } from './repeat.ts'
import { createSnapshots } from './snapshots.ts'
import { createSyncer, type Syncer } from './syncer.ts'

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
  const firstSync = syncWithPatience(syncer, { logger, signal: stopping.signal })

  const syncing = repeat(async () => {
    await firstSync
    if (stopping.signal.aborted) return
    try {
      const result = await syncer.sync()
      if (result !== undefined) logger.info(result, 'views follow the changed definitions')
    } catch (error) {
      logger.warn({ err: error }, 'definitions could not be synced')
    }
  }, config.HINDSIGHT_PROJECT_POLL_MS)

  const evaluating = repeat(async (signal) => {
    await firstSync
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
  }, config.HINDSIGHT_EVALUATION_INTERVAL_MS)

  return {
    async drain() {
      stopping.abort()
      await Promise.all([syncing.stop(), evaluating.stop()])
      await deps.warehouse.close()
    },
    checks: async () => ({ views: syncer.project() !== undefined, warehouse: await deps.warehouse.ping() }),
    status: async () => ({ ...syncer.status(), models: snapshots.status() }),
  }
}

const firstDelayMs = 200
const longestDelayMs = 5000

/** The warehouse may start after us, and the logger migrates it: both are worth waiting for, nothing else is. */
async function syncWithPatience(
  syncer: Syncer,
  { logger, signal }: { logger: ServiceContext<LabelerConfig>['logger']; signal: AbortSignal },
) {
  for (let delayMs = firstDelayMs; !signal.aborted; delayMs = Math.min(delayMs * 2, longestDelayMs)) {
    try {
      const result = await syncer.sync()
      logger.info(result ?? {}, 'views created')
      return
    } catch (error) {
      const isEarly = error instanceof ServiceError && error.retryable
      logger[isEarly ? 'info' : 'warn'](
        { ...(isEarly ? { reason: error.message } : { err: error }), retry_in_ms: delayMs },
        'views cannot be created yet',
      )
    }
    await sleep(delayMs, undefined, { signal }).catch(() => {})
  }
}
