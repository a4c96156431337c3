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
import { composeGateway } from '../compose.ts'
import { createIdFactory } from '../ids.ts'
import { createLoopLoad, type LoopLoad } from '../bounds/loop-load.ts'
import type { VersionFeatures } from '../predict/version-features.ts'
import { createMemoryDeployments } from './memory-deployments.ts'
import { createMemoryEventLog } from './memory-event-log.ts'
import { createMemoryIdempotencyStore } from './memory-idempotency-store.ts'
import { createMemoryInference } from './memory-inference.ts'
import { createFailingOnlineStore } from './failing-online-store.ts'
import { createTestAccess } from './test-access.ts'
import { testProject } from './test-project.ts'

const definition = 'e'.repeat(64)

type OnUnavailable = 'missing' | 'reject'

/** Features for tests: weight from the request; depot_load from the store's key of the depot, refused when it says so. */
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

/** The parts of model.yaml and deployment.yaml that a test states otherwise. */
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
    labelLookupMs?: number
    now?: () => number
    /** Monotonic milliseconds. */
    tick?: () => number
    onUnavailable?: OnUnavailable
    loopLoad?: LoopLoad
    /** Versions whose file does not load. */
    broken?: readonly string[]
  } = {},
) {
  const log = createMemoryEventLog()
  const online = createFailingOnlineStore()
  const engine = createMemoryInference()
  const logger = pino({ level: 'silent' })
  for (const version of options.broken ?? []) engine.broken.add(`parcel-delay/${version}`)
  const deployments = createMemoryDeployments()
  const keys = createMemoryIdempotencyStore()
  const stored = new Set<string>()
  const project = { models: withChanges(options) }
  const clocks = { now: options.now ?? Date.now, tick: options.tick ?? (() => performance.now()), newId: createIdFactory() }
  const loopLoad = options.loopLoad ?? createLoopLoad({ ...clocks, activeMs: () => 0 })
  const adapters = {
    eventLog: log.eventLog,
    store: online.store,
    inference: engine.inference,
    warehouse: options.warehouse ?? ({} as Warehouse),
    keys: keys.store,
    deployments,
  }
  const parts = await composeGateway({
    ...adapters,
    ...clocks,
    project,
    readProject: async () => project,
    createFeatures: () => createFeatures(options.onUnavailable ?? 'missing'),
    isStored: async ({ id }) => stored.has(id),
    codeVersion: '0.0.0+test',
    instruments: createInstruments(),
    tracing: undefined,
    logger,
    loopLoad,
    limits: {
      maxInFlight: options.maxInFlight ?? 100,
      maxAskedIds: options.maxAskedIds ?? 100,
      labelLookupMs: options.labelLookupMs ?? 250,
      shadows: 8,
      shadowDeadlineMs: 1000,
    },
  })
  const app = createApp({
    ...adapters,
    ...clocks,
    ...parts,
    project: testProject,
    loopLoad,
    logger,
    access: options.access ?? createTestAccess(),
    corsOrigins: options.corsOrigins ?? [],
    version: '0.0.0',
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
  return { ...parts, app, send, keys, stored, log, online, engine, deployments }
}
