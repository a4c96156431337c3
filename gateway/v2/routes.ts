import type { Context, Handler, Hono } from 'hono'
import { ServiceError } from '../../contracts/errors.ts'
import { allow } from '../access/authenticate.ts'
import type { GatewayEnv } from '../http/gateway-env.ts'
import type { InferenceEngine } from '../inference/inference.ts'
import { findModel, type ServingModel } from '../predict/serving-model.ts'
import type { Front } from '../routes/front.ts'
import { createPredictCall, createPredictRefusal, type PredictRouteDeps } from '../routes/predict-call.ts'
import { findAddressedVersion } from './addressed-version.ts'
import { allHold, v2LiveRoute, v2ReadyRoute } from './health.ts'
import { inferPaths, inferProtocol } from './infer-route.ts'
import { toModelConfig, toModelMetadata } from './model-metadata.ts'
import { repositoryIndexRoute } from './repository-index.ts'
import type { Statistics } from './statistics.ts'

export type V2Deps = PredictRouteDeps & {
  front: Front
  inference: Pick<InferenceEngine, 'status'>
  statistics: Statistics
  version: string
  checks: () => Promise<Record<string, boolean>>
}

const extensions = ['binary_tensor_data', 'model_configuration', 'parameters', 'statistics']

/** The Open Inference Protocol, version 2. `/v2` and its health are open; who may see and ask models is for the middleware before them. */
export function addV2Routes(app: Hono<GatewayEnv>, deps: V2Deps): void {
  app.get('/v2', (c) => c.json({ name: 'hindsight', version: deps.version, extensions }))
  app.get('/v2/health/live', v2LiveRoute)
  app.get('/v2/health/ready', v2ReadyRoute(deps.checks))
  app.post('/v2/repository/index', allow(['predict', 'read'], repositoryIndexRoute(deps)))
  app.get('/v2/models/stats', allow(['predict', 'read'], statsOfAll(deps)))
  for (const path of ['/v2/models/:model', '/v2/models/:model/versions/:version'] as const) {
    app.get(
      path,
      onVersion(deps, (c, { model, version }) => c.json(toModelMetadata(findAddressedVersion(model, version), model.versions.keys()))),
    )
    app.get(
      `${path}/ready`,
      onVersion(deps, (c, { model, version }) => modelReady(deps, c, { model, version })),
    )
    app.get(
      `${path}/config`,
      onVersion(deps, (c, { model, version }) => c.json(toModelConfig(findAddressedVersion(model, version)))),
    )
    app.get(
      `${path}/stats`,
      onVersion(deps, (c, { model, version }) => c.json(deps.statistics.of(model.definition.name, versionsOf(model, version)))),
    )
  }
  const infer = createPredictCall(deps, inferProtocol)
  const refusal = createPredictRefusal(deps)
  for (const path of inferPaths) app.post(path, deps.front.route(path, infer, refusal))
}

/** `GET /v2/models/stats`, by which Triton's clients ask for the statistics of all models. A model with this name is served instead. */
function statsOfAll({ models, statistics }: V2Deps): Handler<GatewayEnv> {
  return async (c, next) => {
    if (models.has('stats')) return next()
    const all = [...models].map(([name, model]) => statistics.of(name, model.versions.keys()).model_stats)
    return c.json({ model_stats: all.flat() })
  }
}

type Addressed = { model: ServingModel; version: string | undefined }

function onVersion(deps: V2Deps, act: (c: Context<GatewayEnv>, addressed: Addressed) => Response | Promise<Response>): Handler<GatewayEnv> {
  return allow(['predict', 'read'], (c) =>
    act(c, { model: findModel(deps.models, c.req.param('model') ?? ''), version: c.req.param('version') }),
  )
}

function versionsOf(model: ServingModel, version: string | undefined): Iterable<string> {
  return version === undefined ? model.versions.keys() : [findAddressedVersion(model, version).version]
}

/** A version that is known and not served, or whose run does not end, is not ready; one that is not known does not exist. */
async function modelReady(deps: V2Deps, c: Context<GatewayEnv>, { model, version }: Addressed): Promise<Response> {
  const ready = isServed(deps, { model, version }) && (await allHold(deps.checks))
  return c.json({ name: model.definition.name, ready }, ready ? 200 : 503)
}

function isServed({ inference }: V2Deps, { model, version }: Addressed): boolean {
  try {
    const { sessionId } = findAddressedVersion(model, version)
    return inference.status().every((session) => session.sessionId !== sessionId || session.overdue === 0)
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'not_ready') return false
    throw error
  }
}
