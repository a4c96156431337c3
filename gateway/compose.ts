import type { Logger } from 'pino'
import type { EventLogWriter } from '../platform/event-log/event-log.ts'
import type { OnlineStore } from '../platform/online-store/online-store.ts'
import type { Project, ProjectModel, ProjectVersion } from '../platform/project/project.ts'
import type { Instruments } from '../platform/service/instruments.ts'
import type { Tracing } from '../platform/service/tracing.ts'
import type { Warehouse } from '../platform/warehouse/warehouse.ts'
import { createAdmission } from './bounds/admission.ts'
import { createDeadlines } from './bounds/deadlines.ts'
import { startDeployer } from './deploy/deployer.ts'
import type { DeploymentStore } from './deploy/deployment-store.ts'
import { createFates } from './fates/fates.ts'
import { createClosing } from './http/closing.ts'
import { countIdempotency } from './idempotency/count-idempotency.ts'
import { createRejectedCheck } from './idempotency/stored-check.ts'
import { createIdempotency, type IdempotencyDeps } from './idempotency/idempotency.ts'
import type { IdempotencyStore } from './idempotency/idempotency-store.ts'
import type { InferenceEngine } from './inference/inference.ts'
import { createLabelReview } from './ingest/label-review/review-labels.ts'
import { createGatewayMetrics } from './metrics/gateway-metrics.ts'
import { createBackground } from './predict/background.ts'
import { createCommitTime } from './bounds/commit-time.ts'
import type { LoopLoad } from './bounds/loop-load.ts'
import { createPredictor } from './predict/predictor.ts'
import { createAskedIds } from './predict/question.ts'
import type { ShadowLimits } from './predict/shadows.ts'
import { tracePredictor } from './predict/trace-predictor.ts'
import type { VersionFeatures } from './predict/version-features.ts'
import { createStatistics } from './v2/statistics.ts'

export type GatewayParts = {
  eventLog: EventLogWriter
  store: OnlineStore
  warehouse: Warehouse
  inference: InferenceEngine
  keys: IdempotencyStore
  deployments: DeploymentStore
  project: Pick<Project, 'models'>
  /** The project folder as it is now. */
  readProject: () => Promise<Pick<Project, 'models'>>
  createFeatures(model: ProjectModel, version: ProjectVersion): VersionFeatures
  isStored: IdempotencyDeps['isStored']
  codeVersion: string
  instruments: Instruments
  tracing: Tracing | undefined
  logger: Logger
  now: () => number
  /** Monotonic milliseconds. */
  tick: () => number
  /** UUIDv7. */
  newId: () => string
  loopLoad: LoopLoad
  limits: { maxInFlight: number; maxAskedIds: number; labelLookupMs: number } & ShadowLimits
}

/** Wires a gateway's parts together, whatever its adapters are, and warms its versions up. Nothing listens yet. */
export async function composeGateway(parts: GatewayParts) {
  const { eventLog, keys, logger, instruments, limits } = parts
  const deployer = await startDeployer(parts, parts.project)
  const statistics = createStatistics(parts)
  const metrics = statistics.watch(createGatewayMetrics(instruments))
  const background = createBackground(logger)
  const fates = createFates({ ...parts, metrics })
  const writer = { writerId: eventLog.writerId, epoch: eventLog.epoch }
  const deadlines = createDeadlines(parts)
  const once = createIdempotency({ ...parts, store: keys, background, fates, writer, deadlines })
  const isStored = createRejectedCheck(parts.warehouse, logger)
  const labelIdempotency = createIdempotency({ ...parts, store: keys, background, fates, writer, deadlines, isStored })
  const deps = { ...parts, metrics, background, fates, deadlines }
  const predict = createPredictor({
    ...deps,
    commitTime: createCommitTime(),
    askedIds: createAskedIds({ maxIds: limits.maxAskedIds }),
  })
  return {
    deployer,
    models: deployer.models,
    statistics,
    metrics,
    background,
    fates,
    deadlines,
    admission: createAdmission({ maxInFlight: limits.maxInFlight }),
    closing: createClosing(),
    idempotency: countIdempotency(once, metrics),
    labelIdempotency,
    reviewLabels: createLabelReview({ ...parts, store: keys, metrics, lookupMs: limits.labelLookupMs }),
    predict: tracePredictor(predict, parts.tracing, parts.now),
  }
}
