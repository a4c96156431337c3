import { pino } from 'pino'
import { ServiceError } from '../../contracts/errors.ts'
import type { Deployment } from '../../contracts/deployment.ts'
import type { ModelDefinition } from '../../contracts/model-definition.ts'
import type { ServedFeature } from '../../contracts/prediction-event.ts'
import type { ProjectModel } from '../../platform/project/project.ts'
import { createInstruments } from '../../platform/service/instruments.ts'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import type { Access } from '../access/access.ts'
import { createApp } from '../app.ts'
import { startDeployer } from '../deploy/deployer.ts'
import { createFates } from '../fates/fates.ts'
import { createAdmission } from '../http/admission.ts'
import { createClosing } from '../http/closing.ts'
import { createIdempotency } from '../idempotency/idempotency.ts'
import { createIdFactory } from '../ids.ts'
import { createLabelReview } from '../ingest/label-review/review-labels.ts'
import { createGatewayMetrics } from '../metrics/gateway-metrics.ts'
import { createBackground } from '../predict/background.ts'
import { createCommitTime } from '../predict/commit-time.ts'
import { createLoopLoad, type LoopLoad } from '../predict/loop-load.ts'
import { createPredictor } from '../predict/predictor.ts'
import { createAskedIds } from '../predict/question.ts'
import { createSpareTurns } from '../predict/spare-turns.ts'
import type { VersionFeatures } from '../predict/version-features.ts'
import { createStatistics } from '../v2/statistics.ts'
import { createMemoryDeployments } from './memory-deployments.ts'
import { createMemoryEventLog } from './memory-event-log.ts'
import { createMemoryIdempotencyStore } from './memory-idempotency-store.ts'
import { createMemoryInference } from './memory-inference.ts'
import { createMemoryOnlineStore } from './memory-online-store.ts'
import { createTestAccess } from './test-access.ts'
import { testProject } from './test-project.ts'

const definition = 'e'.repeat(64)

type OnUnavailable = 'missing' | 'reject'

/** weight from the request; depot_load from the store's key of the depot, refused when it says so. */
const createFeatures = (onUnavailable: OnUnavailable): VersionFeatures => ({
  keysOf: ({ entities }) => (entities['depot'] === undefined ? [] : [{ partition: 0, key: entities['depot'] }]),
  needsStore: ({ entities }) => entities['depot'] !== undefined,
  assemble({ entities, features: sent }, values) {
    if (values === undefined && onUnavailable === 'reject' && entities['depot'] !== undefined)
      throw new ServiceError('online_store_unavailable', 'depot_load: no answer')
    const stored = entities['depot'] === undefined ? undefined : values?.({ partition: 0, key: entities['depot'] })
    const load = stored === undefined ? undefined : Number(Buffer.from(stored).toString())
    if (Number.isNaN(load)) throw new ServiceError('anchor_too_old', 'depot_load: the online store no longer covers the anchor time')
    if (sent['weight'] === undefined) throw new ServiceError('missing_feature', 'is required', { path: 'features.weight' })
    const served: ServedFeature[] = [{ definition, name: 'weight', source: 'request', status: 'ok', value: sent['weight'] }]
    const reason = load !== undefined ? undefined : values === undefined ? 'store_unavailable' : 'no_events'
    served.push({ definition, name: 'depot_load', reason, source: 'online', status: load === undefined ? 'missing' : 'ok', value: load })
    return served
  },
})

/** What its model.yaml and deployment.yaml say otherwise. */
type Changes = { definition?: Partial<ModelDefinition>; deployment?: Partial<Deployment> }

function withChanges({ definition, deployment }: Changes): Map<string, ProjectModel> {
  const models = [...testProject.models].map(([name, model]): [string, ProjectModel] => [
    name,
    { ...model, definition: { ...model.definition, ...definition }, deployment: { ...model.deployment, ...deployment } },
  ])
  return new Map(models)
}

/** The whole gateway but its adapters, which are in memory. */
export async function createTestGateway(
  options: Changes & {
    access?: Access
    corsOrigins?: readonly string[]
    warehouse?: Warehouse
    maxInFlight?: number
    maxAskedIds?: number
    now?: () => number
    onUnavailable?: OnUnavailable
    loopLoad?: LoopLoad
    /** Versions whose file does not load. */
    broken?: readonly string[]
  } = {},
) {
  const log = createMemoryEventLog()
  const online = createMemoryOnlineStore()
  const engine = createMemoryInference()
  const logger = pino({ level: 'silent' })
  const statistics = createStatistics({ now: options.now ?? Date.now })
  const background = createBackground(logger)
  const deps = {
    eventLog: log.eventLog,
    store: online.store,
    inference: engine.inference,
    metrics: statistics.watch(createGatewayMetrics(createInstruments())),
    background,
    logger,
    now: options.now ?? Date.now,
    tick: () => performance.now(),
    newId: createIdFactory(),
  }
  const fates = createFates(deps)
  for (const version of options.broken ?? []) engine.broken.add(`parcel-delay/${version}`)
  const deployments = createMemoryDeployments()
  const warmUp = { ...deps, codeVersion: '0.0.0+test', createFeatures: () => createFeatures(options.onUnavailable ?? 'missing') }
  const project = { models: withChanges(options) }
  const deployer = await startDeployer({ ...warmUp, deployments, readProject: async () => project }, project)
  const { models } = deployer
  const loopLoad = options.loopLoad ?? createLoopLoad({ ...deps, activeMs: () => 0 })
  const predict = createPredictor({
    ...deps,
    fates,
    commitTime: createCommitTime(),
    askedIds: createAskedIds({ maxIds: options.maxAskedIds ?? 100 }),
    loopLoad,
    limits: { shadows: 8, shadowDeadlineMs: 1000 },
    spareTurn: createSpareTurns(),
  })
  const admission = createAdmission({ maxInFlight: options.maxInFlight ?? 100 })
  const closing = createClosing()
  const keys = createMemoryIdempotencyStore()
  const stored = new Set<string>()
  const idempotency = createIdempotency({
    ...deps,
    fates,
    store: keys.store,
    isStored: async ({ id }) => stored.has(id),
    writer: { writerId: 'test', epoch: 1 },
  })
  const app = createApp({
    ...deps,
    project: testProject,
    models,
    predict,
    loopLoad,
    admission,
    idempotency,
    reviewLabels: createLabelReview({ ...deps, store: keys.store, warehouse: options.warehouse ?? ({} as Warehouse) }),
    fates,
    closing,
    warehouse: options.warehouse ?? ({} as Warehouse),
    access: options.access ?? createTestAccess(),
    corsOrigins: options.corsOrigins ?? [],
    version: '0.0.0',
    statistics,
    notes: async () => ({ views_not_filled: [] }),
    checks: async () => ({ event_log: log.eventLog.writable() }),
    renderMetrics: async () => '# metrics\n',
  })
  const send = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    app.request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
    })
  return { app, send, fates, keys, stored, log, online, engine, background, admission, closing, models, deployer, deployments }
}
