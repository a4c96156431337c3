import { z } from 'zod'
import { deployment } from '../../contracts/deployment.ts'
import { modelDefinition } from '../../contracts/model-definition.ts'

const { owner, primary_label, latency_budget_ms, entities, features, outputs, decision, task } = modelDefinition.shape

export const modelSummary = z.object({
  model: z.string(),
  description: z.string(),
  task,
  champion: z.string(),
  shadows: z.array(z.string()),
  versions: z.array(z.string()).describe('Versions that are loaded and warm.'),
  refused: z.array(z.object({ version: z.string(), reason: z.string() })).describe('Versions that are not served, and why.'),
})
export type ModelSummary = z.output<typeof modelSummary>

export const modelDetail = modelSummary.extend({
  versions: z.array(
    z.object({
      version: z.string(),
      description: z.string(),
      created_at: z.string(),
      model_sha256: z.string(),
      features: z.array(z.string()).describe('What the model reads, in the order of its inputs.'),
      metrics: z.record(z.string(), z.number()),
    }),
  ),
  owner,
  primary_label,
  latency_budget_ms,
  entities,
  anchors: z.array(z.object({ anchor: z.string(), description: z.string(), features: z.array(z.string()) })),
  features,
  outputs,
  decision,
  deployment,
})
export type ModelDetail = z.output<typeof modelDetail>

export const modelList = z.object({ models: z.array(modelSummary) })
