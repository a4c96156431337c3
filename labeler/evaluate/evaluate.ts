import { canonicalHash } from '../../contracts/canonical-json.ts'
import { ServiceError } from '../../contracts/errors.ts'
import { toTimestamp } from '../../contracts/primitives.ts'
import { clusterRoles, scoreOf } from '../../contracts/model-definition.ts'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import type { Definitions } from '../outcomes/definitions.ts'
import { confidenceLevel } from '../metrics/estimate.ts'
import { type Clock, timeOf } from '../outcomes/clock.ts'
import { outcomeRulesOf } from '../outcomes/outcome-rules.ts'
import { type CollectedGroup, createGroupCollector } from './collect-groups.ts'
import { defaultDimensions, type Evaluation, type EvaluationGroup, type Grouping, groupings } from './evaluation.ts'
import { readOpenLanes } from './open-lanes.ts'
import { readPredictionRows } from './prediction-rows.ts'
import { metricsOf, thresholdOf } from './task-metrics.ts'

export type EvaluateOptions = {
  warehouse: Warehouse
  /** What the model is judged by: the project's definitions, or those of another time. */
  project: Definitions
  model: string
  /** Anchor times from here, included. */
  anchorFrom?: Date | undefined
  /** Anchor times up to here, excluded. */
  anchorTo?: Date | undefined
  /** The time as of which outcomes are told, and by which clock; by default as of now. */
  clock?: Clock | undefined
  /** The grouping of predictions; by default by version, route and anchor. */
  by?: Grouping | undefined
  /** The tenant whose predictions count; by default every one's. */
  tenant?: string | undefined
  /** Leaves out predictions that bear none of these tags. */
  tags?: readonly string[] | undefined
}

/**
 * Judges a model's predictions by its primary label. Reads silver.predictions and silver.labels, so it needs no view
 * of outcomes. Throws `unknown_model`, and `invalid_project` when the primary label is not defined.
 */
export async function evaluate(options: EvaluateOptions): Promise<Evaluation> {
  const { definition, label } = findModel(options)
  const clock = options.clock ?? { asOf: Date.now() }
  const dimensions = options.by === undefined ? defaultDimensions : groupings[options.by]
  const score = scoreOf(definition)
  const collector = createGroupCollector({ dimensions, matureOnly: label.silence === 'negative', score })
  const rows = readPredictionRows(options.warehouse, {
    rules: outcomeRulesOf(options.project),
    model: definition.name,
    score,
    roles: clusterRoles(definition) ?? [],
    clock,
    anchorFromMs: options.anchorFrom?.getTime(),
    anchorToMs: options.anchorTo?.getTime(),
    tenant: options.tenant,
    tags: options.tags,
  })
  for await (const block of rows) for (const row of block) collector.add(row)
  const threshold = thresholdOf(definition)
  return {
    model: definition.name,
    task: definition.task,
    label: label.name,
    score: definition.score,
    ...(threshold !== undefined && { threshold }),
    label_definition_sha256: canonicalHash(label),
    model_definition_sha256: canonicalHash(definition),
    ...(clock.asOf === undefined
      ? { known_as_of: toTimestamp(timeOf(clock)) }
      : { as_of: toTimestamp(clock.asOf), open_lanes: await readOpenLanes(options.warehouse, clock.asOf) }),
    ...(options.anchorFrom !== undefined && { anchor_from: toTimestamp(options.anchorFrom.getTime()) }),
    ...(options.anchorTo !== undefined && { anchor_to: toTimestamp(options.anchorTo.getTime()) }),
    ...(options.tags !== undefined && { tags: [...options.tags] }),
    grouped_by: dimensions,
    confidence_level: confidenceLevel,
    groups: collector.groups().map((group) => toEvaluationGroup(group, definition)),
  }
}

function toEvaluationGroup(group: CollectedGroup, model: Parameters<typeof metricsOf>[0]): EvaluationGroup {
  return { ...group.dimensions, counts: group.counts, metrics: metricsOf(model, group) } as EvaluationGroup
}

function findModel({ project, model }: EvaluateOptions) {
  const found = project.models.get(model)
  if (found === undefined)
    throw new ServiceError('unknown_model', `the project has no model ${model}`, {
      hint: `it has ${[...project.models.keys()].join(', ') || 'none'}`,
    })
  const label = project.labels.get(found.definition.primary_label)
  if (label === undefined)
    throw new ServiceError('invalid_project', `the project does not define ${model}'s primary label ${found.definition.primary_label}`)
  return { definition: found.definition, label }
}
