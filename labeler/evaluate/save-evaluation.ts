import { canonicalHash } from '../../contracts/canonical-json.ts'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import { defaultDimensions, type Evaluation, type EvaluationGroup, type Metric } from './evaluation.ts'

export type SaveDeps = { now(): number; newId(): string }

/** Appends the evaluation to gold.evaluations, one row per group and metric, and returns its id. */
export async function saveEvaluation(warehouse: Warehouse, evaluation: Evaluation, deps: SaveDeps): Promise<string> {
  const evaluationId = deps.newId()
  const common = {
    evaluation_id: evaluationId,
    result_sha256: evaluationHash(evaluation),
    evaluated_at: new Date(deps.now()).toISOString(),
    model: evaluation.model,
    label: evaluation.label,
    as_of: evaluation.as_of ?? evaluation.known_as_of,
    clock: evaluation.as_of === undefined ? 'known_as_of' : 'as_of',
    label_definition_sha256: evaluation.label_definition_sha256,
    model_definition_sha256: evaluation.model_definition_sha256,
    level: evaluation.confidence_level,
    anchor_from: evaluation.anchor_from ?? null,
    anchor_to: evaluation.anchor_to ?? null,
    grouped_by: evaluation.grouped_by.join(','),
  }
  const rows = evaluation.groups.flatMap((group) =>
    group.metrics.map((metric) => ({ ...common, ...groupColumns(group), ...metricColumns(metric) })),
  )
  await warehouse.insert('gold.evaluations', rows)
  return evaluationId
}

/** A hash that is equal for evaluations that say the same, whenever they were made. */
export function evaluationHash(evaluation: Evaluation): string {
  const { as_of: _, known_as_of: __, open_lanes: ___, ...said } = evaluation
  return canonicalHash(said)
}

/** The hash of the model's evaluation over all anchor times that was saved last. */
export async function lastSavedHash(warehouse: Warehouse, model: string): Promise<string | undefined> {
  const [row] = await warehouse.query<{ sha256: string }>(
    `SELECT result_sha256 AS sha256 FROM gold.evaluations
     WHERE model = {model:String} AND isNull(anchor_from) AND isNull(anchor_to) AND grouped_by = {dimensions:String}
     ORDER BY evaluated_at DESC LIMIT 1`,
    { model, dimensions: defaultDimensions.join(',') },
  )
  return row?.sha256
}

function groupColumns({ model_version, route, anchor, day, counts }: EvaluationGroup): object {
  return { ...counts, model_version: model_version ?? null, route: route ?? null, anchor, day: day ?? null }
}

function metricColumns({ name, class: ofClass, value, n, coverage, lower, upper, method, ...interval }: Metric): object {
  return {
    metric: name,
    class: ofClass ?? null,
    n,
    method,
    value: value ?? null,
    coverage: coverage ?? null,
    lower: lower ?? null,
    upper: upper ?? null,
    clustered_by: interval.clustered_by ?? null,
    clusters: interval.clusters ?? null,
    scope: interval.scope ?? null,
  }
}
