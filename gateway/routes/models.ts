import type { Handler } from 'hono'
import { defaultAnchor } from '../predict/instance.ts'
import { findModel, type ServingModel, type ServingModels, type ServingVersion } from '../predict/serving-model.ts'
import { answerJson } from '../http/answer.ts'
import type { GatewayEnv } from '../http/gateway-env.ts'
import type { ModelDetail, ModelSummary } from './model-schemas.ts'

/** `GET /v1/models` */
export function modelsRoute(models: ServingModels): Handler<GatewayEnv> {
  return (c) => answerJson(c, { models: [...models.values()].map(toSummary) })
}

/** `GET /v1/models/:model` */
export function modelRoute(models: ServingModels): Handler<GatewayEnv> {
  return (c) => answerJson(c, toDetail(findModel(models, c.req.param('model') ?? '')))
}

function toSummary(model: ServingModel): ModelSummary {
  const { definition, deployment, projectModel } = model
  return {
    model: definition.name,
    description: definition.description,
    task: definition.task,
    champion: deployment.champion,
    challengers: deployment.challengers,
    shadows: deployment.shadows,
    versions: [...model.versions.keys()],
    not_loaded: [...projectModel.versions.keys()].filter((version) => !model.versions.has(version) && !model.refused.has(version)),
    refused: [...model.refused].map(([version, reason]) => ({ version, reason })),
  }
}

function toDetail(model: ServingModel): ModelDetail {
  const { definition, deployment, projectModel } = model
  const anchors = Object.entries(definition.anchors ?? { [defaultAnchor]: allFeatures(model) })
  return {
    ...toSummary(model),
    versions: [...model.versions.values()].map(({ manifest, version, ...serving }) => ({
      version,
      description: manifest.description,
      created_at: manifest.created_at,
      model_sha256: serving.facts.model_sha256,
      features: [...new Set(manifest.inputs.flatMap(({ features }) => features))],
      metrics: manifest.metrics,
      inference: toInference(serving),
    })),
    owner: definition.owner,
    primary_label: definition.primary_label,
    latency_budget_ms: definition.latency_budget_ms,
    ...(definition.fallback !== undefined && { fallback: definition.fallback }),
    entities: definition.entities,
    anchors: anchors.map(([anchor, { description, features }]) => ({ anchor, description, features })),
    features: definition.features,
    windows: [...projectModel.featureWindows].map(([feature, window]) => ({ feature, ...window })),
    outputs: definition.outputs,
    ...(definition.decision !== undefined && { decision: definition.decision }),
    deployment,
  }
}

function toInference({
  plan,
  passedOver,
  facts,
}: Pick<ServingVersion, 'plan' | 'passedOver' | 'facts'>): ModelDetail['versions'][number]['inference'] {
  return {
    placement: plan.placement,
    reason: plan.reason,
    batching: plan.batching,
    row_by_row: plan.rowByRow,
    max_batch_rows: plan.maxBatchRows,
    one_row_us: plan.oneRowUs,
    batch_us: plan.batchUs,
    hand_over_us: plan.handOverUs,
    execution_provider: facts.execution_provider,
    passed_over: passedOver,
  }
}

function allFeatures({ projectModel }: ServingModel): { description: string; features: string[] } {
  return { description: 'The moment of the request.', features: [...projectModel.features.keys()] }
}
