import type { Handler } from 'hono'
import { defaultAnchor } from '../predict/instance.ts'
import type { ServingModel, ServingModels } from '../predict/serving-model.ts'
import type { GatewayEnv } from '../http/gateway-env.ts'
import type { ModelDetail, ModelSummary } from './model-schemas.ts'
import { findModel } from './predict.ts'

/** `GET /v1/models` */
export function modelsRoute(models: ServingModels): Handler<GatewayEnv> {
  return (c) => c.json({ models: [...models.values()].map(toSummary) })
}

/** `GET /v1/models/:model` */
export function modelRoute(models: ServingModels): Handler<GatewayEnv> {
  return (c) => c.json(toDetail(findModel(models, c.req.param('model') ?? '')))
}

function toSummary(model: ServingModel): ModelSummary {
  const { definition, deployment } = model.project
  return {
    model: definition.name,
    description: definition.description,
    task: definition.task,
    champion: deployment.champion,
    shadows: deployment.shadows,
    versions: [...model.versions.keys()],
    refused: [...model.refused].map(([version, reason]) => ({ version, reason })),
  }
}

function toDetail(model: ServingModel): ModelDetail {
  const { definition, deployment } = model.project
  const anchors = Object.entries(definition.anchors ?? { [defaultAnchor]: allFeatures(model) })
  return {
    ...toSummary(model),
    versions: [...model.versions.values()].map(({ version: { manifest, version, modelSha256 } }) => ({
      version,
      description: manifest.description,
      created_at: manifest.created_at,
      model_sha256: modelSha256,
      features: [...new Set(manifest.inputs.flatMap(({ features }) => features))],
      metrics: manifest.metrics,
    })),
    owner: definition.owner,
    primary_label: definition.primary_label,
    latency_budget_ms: definition.latency_budget_ms,
    entities: definition.entities,
    anchors: anchors.map(([anchor, { description, features }]) => ({ anchor, description, features })),
    features: definition.features,
    outputs: definition.outputs,
    ...(definition.decision !== undefined && { decision: definition.decision }),
    deployment,
  }
}

function allFeatures({ project }: ServingModel): { description: string; features: string[] } {
  return { description: 'The moment of the request.', features: [...project.features.keys()] }
}
