import { Hono } from 'hono'
import type { Logger } from 'pino'
import { ServiceError } from '../contracts/errors.ts'
import type { LabelEvent, LabelFields } from '../contracts/label-event.ts'
import type { EventLogWriter } from '../platform/event-log/event-log.ts'
import type { OnlineStore } from '../platform/online-store/online-store.ts'
import type { Project } from '../platform/project/project.ts'
import type { Warehouse } from '../platform/warehouse/warehouse.ts'
import type { Access } from './access/access.ts'
import { admit, allow } from './access/authenticate.ts'
import type { Admission } from './bounds/admission.ts'
import { createByteBudget } from './bounds/byte-budget.ts'
import { createCallerLimits } from './bounds/caller-limits.ts'
import type { Deadlines } from './bounds/deadlines.ts'
import { createGate } from './bounds/gate.ts'
import { answer, answerJson } from './http/answer.ts'
import { type Closing, closeConnections } from './http/closing.ts'
import { allowOrigins } from './http/cors.ts'
import type { Fates } from './fates/fates.ts'
import { renderDocsPage } from './api-docs/docs-page.ts'
import { createErrorHandler, notFound } from './http/errors.ts'
import { createFrontRouter } from './http/front-router.ts'
import type { GatewayEnv } from './http/gateway-env.ts'
import { createOpenApiDocument } from './api-docs/openapi.ts'
import { requestContext } from './http/request-context.ts'
import { requestMetrics } from './http/request-metrics.ts'
import { securityHeaders } from './http/security-headers.ts'
import type { Idempotency } from './idempotency/idempotency.ts'
import type { InferenceEngine } from './inference/inference.ts'
import { createAppliedWaiter } from './ingest/applied-waiter.ts'
import { createIngest, type Review } from './ingest/ingest.ts'
import type { GatewayMetrics } from './metrics/gateway-metrics.ts'
import type { LoopLoad } from './bounds/loop-load.ts'
import type { Predictor } from './predict/predictor.ts'
import type { ServingModels } from './predict/serving-model.ts'
import type { ReadinessNotes } from './status/readiness.ts'
import { eventsRoute } from './routes/events.ts'
import { livezRoute, metricsRoute, readyzRoute } from './routes/health.ts'
import { labelDefinitionsRoute, labelsRoute } from './routes/labels.ts'
import { modelRoute, modelsRoute } from './routes/models.ts'
import { predictionsRoute } from './routes/predictions.ts'
import { createFront, type Front } from './routes/front.ts'
import { predictPath, predictProtocol } from './routes/predict.ts'
import { createPredictCall, createPredictRefusal, type PredictRouteDeps } from './routes/predict-call.ts'
import { predictLimits } from '../contracts/http.ts'
import { inferPaths } from './v2/infer-route.ts'
import { addV2Routes } from './v2/routes.ts'
import type { Statistics } from './v2/statistics.ts'

export type AppDeps = {
  project: Pick<Project, 'labels' | 'sources'>
  models: ServingModels
  predict: Predictor
  loopLoad: LoopLoad
  idempotency: Idempotency
  reviewLabels: Review<LabelFields, LabelEvent>
  fates: Fates
  eventLog: EventLogWriter
  store: OnlineStore
  warehouse: Warehouse
  inference: Pick<InferenceEngine, 'status'>
  admission: Admission
  deadlines: Deadlines
  closing: Closing
  metrics: GatewayMetrics
  statistics: Statistics
  logger: Logger
  access: Access
  /** Origins whose pages may call the API from a browser. */
  corsOrigins: readonly string[]
  version: string
  now: () => number
  /** Monotonic milliseconds. */
  tick: () => number
  /** UUIDv7. */
  newId: () => string
  checks: () => Promise<Record<string, boolean>>
  /** The notes that `/readyz` gives beside the checks. */
  notes: () => Promise<ReadinessNotes>
  renderMetrics: () => Promise<string>
}

/** The application; `first` answers predictions for a listener that has requests of Node's own. */
export type GatewayApp = Hono<GatewayEnv> & { first: Front['answer'] }

/** Every route of the public listener. Health, metrics and documentation are open; `/v1` and V2's models and repository ask who calls. */
export function createApp(deps: AppDeps): GatewayApp {
  const gate = createGate({ callerLimits: createCallerLimits(deps), admission: deps.admission })
  const front = createFront({ ...deps, gate })
  const app = new Hono<GatewayEnv>({ router: createFrontRouter([predictPath, ...inferPaths]) })
  app.use(securityHeaders(), closeConnections(deps.closing), requestContext(deps), requestMetrics(deps))
  if (deps.corsOrigins.length > 0) app.use(allowOrigins(deps.corsOrigins))
  for (const path of ['/v1/*', '/v2/models/*', '/v2/repository/*']) app.use(path, admit({ access: deps.access, gate }))
  app.onError(createErrorHandler(deps.logger))
  app.notFound(notFound)
  addOpenRoutes(app, deps)
  const bodiesInWork = createByteBudget({ maxBytes: predictLimits.bodyBytesInWork })
  addApiRoutes(app, { ...deps, front, bodiesInWork })
  addV2Routes(app, { ...deps, front, bodiesInWork })
  refuseOtherMethods(app)
  return Object.assign(app, { first: front.answer })
}

const htmlHeaders = { 'Content-Type': 'text/html; charset=UTF-8' }

function addOpenRoutes(app: Hono<GatewayEnv>, deps: AppDeps): void {
  const document = createOpenApiDocument(deps.version)
  app.get('/', (c) => c.json({ name: 'hindsight', version: deps.version, docs: '/docs', openapi: '/openapi.json', models: '/v1/models' }))
  app.get('/openapi.json', (c) => answerJson(c, document))
  app.get('/docs', async (c) =>
    answer(c, { body: String(await renderDocsPage(document, new URL(c.req.url).origin)), headers: htmlHeaders }),
  )
  app.get('/livez', livezRoute)
  app.get('/readyz', readyzRoute(deps))
  app.get('/metrics', metricsRoute(deps.renderMetrics))
}

function addApiRoutes(app: Hono<GatewayEnv>, deps: AppDeps & PredictRouteDeps & { front: Front }): void {
  const ingest = createIngest(deps)
  const waitUntilApplied = createAppliedWaiter(deps)
  app.post(predictPath, deps.front.route(predictPath, createPredictCall(deps, predictProtocol), createPredictRefusal(deps)))
  app.get('/v1/labels', allow(['label', 'read'], labelDefinitionsRoute(deps.project.labels)))
  app.post('/v1/labels', allow(['label'], labelsRoute({ definitions: deps.project.labels, ingest, review: deps.reviewLabels })))
  app.post('/v1/events/:source', allow(['label'], eventsRoute({ sources: deps.project.sources, ingest, waitUntilApplied })))
  app.get('/v1/predictions/:id', allow(['read'], predictionsRoute(deps)))
  app.get('/v1/models', allow(['read', 'predict'], modelsRoute(deps.models)))
  app.get('/v1/models/:model', allow(['read', 'predict'], modelRoute(deps.models)))
}

/** A path that exists answers other methods with 405 and what it does allow. */
function refuseOtherMethods(app: Hono<GatewayEnv>): void {
  const allowed = new Map<string, string[]>()
  for (const { path, method } of app.routes) if (method !== 'ALL') allowed.set(path, [...(allowed.get(path) ?? []), method])
  for (const [path, methods] of allowed) {
    app.all(path, (c) => {
      c.header('Allow', methods.join(', '))
      throw new ServiceError('method_not_allowed', `${c.req.method} is not allowed here`, { hint: `use ${methods.join(' or ')}` })
    })
  }
}
