import { z } from 'zod'
import { columnName, name, scalar, valueType, versionName } from './primitives.ts'

/** What to do when an online value is missing or stale: pass it on, put the default in, or refuse the request. */
const onMissing = z.enum(['missing', 'default', 'reject'])

const requestFeature = z.strictObject({
  name: columnName,
  source: z.literal('request'),
  description: z.string().optional(),
  type: valueType.default('number'),
  unit: z.string().optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  from_entity: columnName.optional().describe('The role whose id is the value; then the request need not repeat it.'),
  on_missing: onMissing.default('reject'),
  default: scalar.optional(),
})

const onlineFeature = z.strictObject({
  name: columnName,
  source: z.literal('online'),
  description: z.string().optional(),
  view: columnName,
  feature: columnName.describe("The feature's name within its view."),
  entity: columnName.describe('The role whose id is looked up.'),
  unit: z.string().optional(),
  on_missing: onMissing.default('missing'),
  on_stale: z.enum(['use', 'missing', 'default', 'reject']).default('use'),
  on_anchor_too_old: z.enum(['missing', 'default', 'reject']).default('missing'),
  on_store_unavailable: onMissing
    .optional()
    .describe('When the online store does not answer in time. Left out: as on_missing; reject answers 503.'),
  default: scalar.optional(),
})

const timeZone = z.union([
  z.string().describe('An IANA time zone.'),
  z.strictObject({ lookup: columnName, entity: columnName }).describe('A lookup table of the project, by the id of a role.'),
])

/** The closed list of derived functions, version 1. `of`, `a` and `b` name other features of the model. */
export const derivation = z.discriminatedUnion('function', [
  z.strictObject({ function: z.literal('hour'), time_zone: timeZone.default('UTC') }).describe('Hour of the anchor time, 0 to 23.'),
  z
    .strictObject({ function: z.literal('weekday'), time_zone: timeZone.default('UTC') })
    .describe('Weekday of the anchor time, 1 (Monday) to 7 (Sunday).'),
  z.strictObject({ function: z.literal('log1p'), of: columnName }).describe('ln(1 + x); missing below or at -1.'),
  z.strictObject({ function: z.literal('ratio'), a: columnName, b: columnName }).describe('a / b; missing where b is 0.'),
  z.strictObject({ function: z.literal('difference'), a: columnName, b: columnName }).describe('a - b.'),
  z
    .strictObject({ function: z.literal('bucketize'), of: columnName, boundaries: z.array(z.number()).min(1) })
    .describe('How many boundaries are <= x.'),
  z
    .strictObject({ function: z.literal('one_hot'), of: columnName, category: scalar })
    .describe('1 where the value equals the category, else 0.'),
])
export type Derivation = z.infer<typeof derivation>

const derivedFeature = z.strictObject({
  name: columnName,
  source: z.literal('derived'),
  description: z.string().optional(),
  unit: z.string().optional(),
  derive: derivation,
})

export const modelFeature = z.discriminatedUnion('source', [requestFeature, onlineFeature, derivedFeature])
export type ModelFeature = z.infer<typeof modelFeature>
export type RequestFeature = z.infer<typeof requestFeature>
export type OnlineFeature = z.infer<typeof onlineFeature>
export type DerivedFeature = z.infer<typeof derivedFeature>

/** How a version's file is run. What is left out is measured or taken from the machine. */
const inferenceSettings = z.strictObject({
  placement: z
    .enum(['auto', 'inline', 'worker'])
    .default('auto')
    .describe('Where runs happen: on the event loop when they are shorter than handing them over, else in worker threads.'),
  execution_providers: z
    .array(z.enum(['cpu', 'cuda', 'tensorrt', 'webgpu', 'coreml', 'dml']))
    .min(1)
    .default(['cpu'])
    .describe('In order of preference; the first that works is taken and recorded in every event.'),
  intra_op_threads: z.int().positive().max(64).default(1).describe('Threads that share one run.'),
  graph_optimization: z.enum(['disabled', 'basic', 'extended', 'layout', 'all']).default('all'),
  max_batch_rows: z.int().positive().max(4096).default(64).describe('Rows of several requests in one run; 1 keeps requests apart.'),
  max_queue_delay_us: z
    .int()
    .nonnegative()
    .max(1_000_000)
    .default(0)
    .describe('How long a request may wait for others to share its run; 0 batches only what waits anyway.'),
  max_queue_rows: z.int().positive().max(1_000_000).default(4096).describe('Rows that may wait before a request is answered 503.'),
  max_threads: z.int().positive().max(64).optional().describe('Worker threads in use at once; at most all but one.'),
})

/** What answers in the model's place when the model takes too long. */
const fallback = z.union([
  z.strictObject({ outputs: z.record(columnName, scalar) }).describe('These outputs.'),
  z.strictObject({ version: versionName }).describe('Another version of this model, on the same features.'),
])

/** What a model of several classes says: which class, how likely each is, or both. */
const classScore = z.strictObject({
  class: columnName
    .optional()
    .describe('The output that names the class, as text or as a whole number. Left out, the likeliest class is meant.'),
  probabilities: z
    .record(z.string().max(1024), columnName)
    .optional()
    .describe('Each category of the primary label to the output that is its probability; with it there is a log loss.'),
})

const cost = z.number().default(0)

/** What each kind of answer costs, in any unit; gains are negative. */
const costs = z
  .strictObject({ false_positive: cost, false_negative: cost, true_positive: cost, true_negative: cost })
  .describe('What each kind of decision costs, 0 where it is left out; a positive is the decision above the threshold.')

/** How evaluation takes the model's predictions. */
const evaluationSettings = z.strictObject({
  rows: z
    .enum(['clustered', 'independent'])
    .default('clustered')
    .describe(
      'Whether predictions depend on each other where they share an entity or a UTC day of the anchor time. Intervals are wider then.',
    ),
  cluster_by: z
    .array(columnName)
    .max(4)
    .optional()
    .describe('The roles whose entities predictions depend on each other by; left out, all roles.'),
  quantile: z
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe('The quantile of the outcome that a regression model foretells, as 0.9; it is then judged by pinball loss too.'),
})

/** `<model>/model.yaml`: the task and everything about a model that is not a version's bytes. */
export const modelDefinition = z.strictObject({
  name,
  description: z.string(),
  owner: z.string(),
  task: z.enum(['binary_classification', 'regression', 'multiclass_classification']),
  primary_label: columnName,
  entities: z
    .record(columnName, z.strictObject({ entity: columnName, description: z.string().optional() }))
    .describe('Role to kind of entity.'),
  outputs: z.record(
    columnName,
    z.strictObject({ description: z.string(), type: z.enum(['number', 'text']).default('number'), unit: z.string().optional() }),
  ),
  score: z
    .union([columnName, classScore])
    .describe(
      'What evaluation scores: the output that is the probability of 1, the number, or the class; of several classes also their probabilities.',
    ),
  decision: z
    .strictObject({ output: columnName, threshold: z.number(), above: scalar, below: scalar, costs: costs.optional() })
    .optional()
    .describe('value = above when output >= threshold, else below.'),
  evaluation: evaluationSettings.optional().describe('How evaluation takes predictions; left out, they depend on each other by all roles.'),
  anchors: z.record(columnName, z.strictObject({ description: z.string(), features: z.array(columnName).min(1) })).optional(),
  features: z.array(modelFeature).min(1),
  latency_budget_ms: z
    .number()
    .positive()
    .max(60_000)
    .default(100)
    .describe('From arrival to answer; the event is durable within it. A request may ask for less.'),
  durability: z.enum(['disk', 'process']).default('disk'),
  inference: inferenceSettings.prefault({}),
  fallback: fallback.optional().describe('What answers when the model does not in time; left out, the answer is 504.'),
  governance: z
    .strictObject({
      subject: columnName.optional().describe('The role whose id becomes subject_id.'),
      purposes: z.array(z.string()).default([]),
      region: z.string().optional(),
      data_category: z.string().optional(),
      retention_days: z.int().positive().max(36_500).default(730),
    })
    .prefault({}),
})
export type ModelDefinition = z.infer<typeof modelDefinition>

/** What evaluation reads of a prediction. */
export type Score =
  | { kind: 'number'; output: string }
  | { kind: 'class'; output: string | undefined; probabilities: Readonly<Record<string, string>> | undefined }

export function scoreOf({ task, score }: Pick<ModelDefinition, 'task' | 'score'>): Score {
  if (typeof score !== 'string') return { kind: 'class', output: score.class, probabilities: score.probabilities }
  return task === 'multiclass_classification'
    ? { kind: 'class', output: score, probabilities: undefined }
    : { kind: 'number', output: score }
}

/** The roles whose entities predictions depend on each other by; undefined where they are declared independent. */
export function clusterRoles({ entities, evaluation }: Pick<ModelDefinition, 'entities' | 'evaluation'>): readonly string[] | undefined {
  return evaluation?.rows === 'independent' ? undefined : (evaluation?.cluster_by ?? Object.keys(entities).slice(0, 4))
}
