import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { EventLogWriter } from '../platform/event-log/event-log.ts'
import type { OnlineStore } from '../platform/online-store/online-store.ts'
import { loadProject } from '../platform/project/load-project.ts'
import type { Project } from '../platform/project/project.ts'
import type { RunningService, ServiceContext } from '../platform/service/service.ts'
import type { Warehouse } from '../platform/warehouse/warehouse.ts'
import { createAccess } from './access/access.ts'
import type { KeyRing } from './access/key-ring.ts'
import { createAdminApp, toAdminHandler } from './admin/admin-app.ts'
import { createApp } from './app.ts'
import { readCodeVersion, readPackageVersion } from './code-version.ts'
import type { GatewayConfig } from './config.ts'
import { listen } from './http/listen.ts'
import { startLabelStream } from './label-stream/start-label-stream.ts'
import { createStoredCheck } from './idempotency/stored-check.ts'
import { createIdFactory } from './ids.ts'
import type { IdempotencyStore } from './idempotency/idempotency-store.ts'
import { type CommittedKey, recoverKeys } from './idempotency/recover-keys.ts'
import type { InferenceEngine } from './inference/inference.ts'
import type { DeploymentStore } from './deploy/deployment-store.ts'
import { addDeploymentRoutes } from './deploy/routes.ts'
import { type SeenProject, watchProject } from './deploy/watch-project.ts'
import { createLoopLoad } from './bounds/loop-load.ts'
import { loopActiveMs } from '../platform/service/loop-activity.ts'
import type { ServingModels } from './predict/serving-model.ts'
import { createVersionFeatures } from './predict/version-features.ts'
import { deploymentStates, describeModels, servedSessions } from './status/model-status.ts'
import { notServed } from './status/not-served.ts'
import { createReadiness } from './status/readiness.ts'
import { createViewsNotFilled } from './status/views-not-filled.ts'
import { composeGateway } from './compose.ts'
import { observeDeployments } from './metrics/deployment-metrics.ts'
import { observeInFlight } from './metrics/gateway-metrics.ts'
import { observeInference } from './metrics/inference-metrics.ts'
import { observeOutbox } from './metrics/outbox-metrics.ts'

export type Adapters = {
  /** The project, with how its folder looked when it was read. */
  seenProject: SeenProject
  eventLog: EventLogWriter
  store: OnlineStore
  warehouse: Warehouse
  inference: InferenceEngine
  ring: KeyRing
  keys: IdempotencyStore
  deployments: DeploymentStore
  /** The keys under which earlier runs left events in the outbox. */
  committedKeys: readonly CommittedKey[]
}

/**
 * The bounds of what goes on beside requests. More shadow runs at once are recorded as `overloaded`, and each may take long, as
 * nobody waits for it. The last `maxAskedIds` request ids are remembered with what they asked, some 20 MB at the most. A label
 * waits so long for what stands under its id.
 */
const limits = { shadows: 256, shadowDeadlineMs: 10_000, maxAskedIds: 100_000, labelLookupMs: 250 }

/** How long the fates of predictions are waited for at the end: a cut connection tells its own at once, and no other will follow. */
const lastFatesMs = 1_000

/** Warms every version up, then listens. The adapters are closed by `drain`. */
export async function startGateway(context: ServiceContext<GatewayConfig>, adapters: Adapters): Promise<RunningService> {
  const { config, logger, instruments } = context
  const { project, seen } = adapters.seenProject
  const { eventLog, store, warehouse, inference, ring, keys } = adapters
  reportProblems(project, logger)
  const version = await readPackageVersion()
  const codeVersion = config.HINDSIGHT_CODE_VERSION ?? (await readCodeVersion(version))
  const clocks = { now: Date.now, tick: () => performance.now(), newId: createIdFactory() }
  const loopLoad = createLoopLoad({ ...clocks, activeMs: loopActiveMs })
  const parts = await composeGateway({
    ...adapters,
    ...clocks,
    project,
    readProject: () => loadProject(project.dir),
    createFeatures: createVersionFeatures(project),
    isStored: createStoredCheck(warehouse, logger),
    codeVersion,
    instruments,
    tracing: context.tracing,
    logger,
    loopLoad,
    limits: { ...limits, maxInFlight: config.HINDSIGHT_MAX_IN_FLIGHT },
  })
  const { models, deployer, admission, background, closing, fates } = parts
  fates.start()
  let watchedProject = project
  const watch = watchProject({
    dir: project.dir,
    seen,
    onFault: (error) => logger.error({ err: error }, 'the project folder could not be read again'),
    onChange: (found) => (reportProblems((watchedProject = found), logger), deployer.takeProject(found)),
  })
  const bounds = { maxBytes: config.HINDSIGHT_OUTBOX_MAX_BYTES, maxAgeMs: config.HINDSIGHT_OUTBOX_MAX_AGE_MS }
  observeOutbox(instruments, { eventLog, bounds, now: clocks.now })
  observeInference(instruments, () => servedSessions(models, inference))
  observeDeployments(instruments, () => deploymentStates(deployer))
  observeInFlight(instruments, () => ({ requests: admission.inFlight, background: background.size }))
  const served = () => {
    const not = notServed(models, watchedProject)
    return { models: models.size + not.filter(({ model }) => !models.has(model)).length, not }
  }
  const draining = () => closing.phase !== 'serving'
  const viewsNotFilled = createViewsNotFilled({ store, project, tick: clocks.tick })
  const { checks, notes, status: storeStatus } = createReadiness(adapters, { draining, served, viewsNotFilled })
  const stopped = new AbortController()
  const recovering = { keys: adapters.committedKeys, writerId: eventLog.writerId, epoch: eventLog.epoch }
  const recovered = recoverKeys({ store: keys, logger, signal: stopped.signal }, recovering)
  const access = createAccess({ apiKey: config.HINDSIGHT_API_KEY, ring, now: clocks.now })
  const admin = createAdminApp({ ...clocks, access, host: config.HINDSIGHT_ADMIN_HOST, logger, version }, (routes) =>
    addDeploymentRoutes(routes, deployer),
  )
  const app = createApp({
    ...adapters,
    ...clocks,
    ...parts,
    project,
    loopLoad,
    logger,
    access,
    corsOrigins: config.HINDSIGHT_CORS_ORIGINS,
    version,
    checks,
    notes,
    renderMetrics: context.renderMetrics,
  })
  // The checks run once now, so that a store that goes away before the first probe has been seen.
  await checks()
  const labelStream = startLabelStream(context, { project, eventLog, ...parts, ...clocks })
  const listener = await listen(app.fetch, { host: config.HINDSIGHT_HOST, port: config.HINDSIGHT_PORT, first: app.first })
  return {
    addresses: { http: listener.url },
    admin: toAdminHandler(admin),
    checks,
    notes,
    status: async () => ({
      ...describe(models, eventLog, admission.inFlight),
      ...(await notes()),
      ...(await storeStatus()),
      ...(labelStream !== undefined && { label_stream: labelStream.status() }),
    }),
    holdsProcess: () => inference.holdsProcess(),
    async drain() {
      ring.close()
      watch.close()
      closing.enter('draining')
      await Promise.all([sleep(config.HINDSIGHT_DRAIN_DELAY_MS), labelStream?.close()])
      closing.enter('closing')
      await listener.close({ withinMs: (config.HINDSIGHT_DRAIN_TIMEOUT_MS - config.HINDSIGHT_DRAIN_DELAY_MS) / 2 })
      await background.settled()
      stopped.abort()
      await recovered
      await inference.close()
      await fates.close({ withinMs: lastFatesMs })
      await background.settled()
      await Promise.all([eventLog.close(), store.close(), keys.close(), warehouse.close(), adapters.deployments.close()])
    },
  }
}

function reportProblems(project: Project, logger: Logger): void {
  for (const { severity, file, path, message, hint } of project.problems)
    logger[severity === 'error' ? 'error' : 'warn']({ file, path, hint }, `project: ${message}`)
}

function describe(models: ServingModels, eventLog: EventLogWriter, inFlight: number): Record<string, unknown> {
  return {
    models: describeModels(models),
    in_flight: inFlight,
    outbox: eventLog.status().map(({ lane, bytes, segments, durableSeq, unconfirmed }) => ({
      lane,
      bytes,
      segments,
      durable_seq: durableSeq,
      unconfirmed,
    })),
  }
}
