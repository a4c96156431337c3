import type { ModelDefinition } from '../../contracts/model-definition.ts'
import type { PredictionEvent } from '../../contracts/prediction-event.ts'
import type { Estimate } from '../metrics/estimate.ts'
import type { OutcomeState } from '../outcomes/outcome.ts'

/** What groups are told apart by. Every choice includes the anchor: nothing is pooled over anchors. */
export const groupings = {
  version: ['model_version', 'anchor'],
  route: ['route', 'anchor'],
  anchor: ['anchor'],
  day: ['model_version', 'route', 'anchor', 'day'],
} as const
export type Grouping = keyof typeof groupings
export type Dimension = 'model_version' | 'route' | 'anchor' | 'day'
export const defaultDimensions: readonly Dimension[] = ['model_version', 'route', 'anchor']

export type Metric = Estimate & {
  name: string
  /** The class that the metric is about, where the model has several. */
  class?: string
  /** Predictions behind the metric as a share of those that have a score; 0 to 1, undefined without any. */
  coverage?: number
}

/** Numbers of predictions; those of the states sum up to `predictions`. */
export type GroupCounts = Record<OutcomeState, number> & {
  /** How many predictions count. */
  predictions: number
  /** How many were left out beside them: their caller was told nothing, or another attempt at the same question counts. */
  unanswered: number
  repeated: number
  /** How many of those that count have status error, or no score. */
  errors: number
  /** Labeled with a score but not mature; left out of the metrics where silence means no. */
  immature: number
}

export type EvaluationGroup = Partial<Record<'model_version' | 'day', string>> & {
  route?: PredictionEvent['route']
  anchor: string
  counts: GroupCounts
  metrics: Metric[]
}

/** A model judged by its primary label, as of a time of either clock. Times are RFC 3339. */
export type Evaluation = {
  model: string
  task: ModelDefinition['task']
  label: string
  score: ModelDefinition['score']
  threshold?: number
  /** The definitions that it was judged by, by their hashes in silver.definitions. */
  label_definition_sha256: string
  model_definition_sha256: string
  /** What was told at this time; then `open_lanes` has the writers and lanes of which records from before it may still come. */
  as_of?: string
  open_lanes?: string[]
  /** What is known about this time, whenever it was recorded. Instead of `as_of`. */
  known_as_of?: string
  anchor_from?: string
  anchor_to?: string
  /** Only predictions that bear one of these tags were judged. */
  tags?: string[]
  grouped_by: readonly Dimension[]
  confidence_level: number
  groups: EvaluationGroup[]
}
