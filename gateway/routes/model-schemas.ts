import { z } from 'zod'
import { deployment } from '../../contracts/deployment.ts'
import { featureWindow } from '../../contracts/feature-window.ts'
import { modelDefinition } from '../../contracts/model-definition.ts'

const { owner, primary_label, latency_budget_ms, fallback, entities, features, outputs, decision, task } = modelDefinition.shape

export const modelSummary = z.object({
  model: z.string(),
  description: z.string(),
  task,
  champion: z.string(),
  challengers: deployment.shape.challengers,
  shadows: z.array(z.string()),
  versions: z.array(z.string()).describe('Versions that are loaded and warm.'),
  not_loaded: z.array(z.string()).describe('Versions of the project that the deployment does not hold in memory.'),
  refused: z.array(z.object({ version: z.string(), reason: z.string() })).describe('Versions that are not served, and why.'),
})
export type ModelSummary = z.output<typeof modelSummary>

/** How a version is run, as measured when it was loaded. */
const versionInference = z.object({
  placement: z.enum(['inline', 'worker']).describe('On the event loop, or in worker threads.'),
  reason: z.string(),
  batching: z.union([z.literal(true), z.string()]).describe('Whether rows of several requests share a run; if not, why.'),
  row_by_row: z.boolean().describe('Whether even the rows of one request have a run each.'),
  max_batch_rows: z.int(),
  one_row_us: z.int().describe('Median time of a run of one row, and of max_batch_rows.'),
  batch_us: z.int(),
  hand_over_us: z.int().describe('Median time that a run in a worker thread takes beyond itself.'),
  execution_provider: z.string(),
  passed_over: z.array(z.string()).describe('Execution providers that model.yaml prefers and that are not there, with the reason.'),
})

export const modelDetail = modelSummary.extend({
  versions: z.array(
    z.object({
      version: z.string(),
      description: z.string(),
      created_at: z.string(),
      model_sha256: z.string(),
      features: z.array(z.string()).describe('What the model reads, in the order of its inputs.'),
      metrics: z.record(z.string(), z.number()),
      inference: versionInference,
    }),
  ),
  owner,
  primary_label,
  latency_budget_ms,
  fallback,
  entities,
  anchors: z.array(z.object({ anchor: z.string(), description: z.string(), features: z.array(z.string()) })),
  features,
  windows: z
    .array(z.object({ feature: z.string(), ...featureWindow.shape }))
    .describe('Which events each online feature holds; those of all time are left out.'),
  outputs,
  decision,
  deployment,
})
export type ModelDetail = z.output<typeof modelDetail>

export const modelList = z.object({ models: z.array(modelSummary) })
