import { type ModelDefinition, scoreOf } from '../../contracts/model-definition.ts'
import { classSample } from '../metrics/classes.ts'
import { proportionEstimate } from '../metrics/proportion.ts'
import { binaryMetrics } from '../metrics/reports/binary.ts'
import { multiclassMetrics } from '../metrics/reports/classes.ts'
import type { Named } from '../metrics/reports/named.ts'
import { regressionMetrics } from '../metrics/reports/regression.ts'
import { binarySample, regressionSample } from '../metrics/sample.ts'
import type { CollectedGroup, Judged } from './collect-groups.ts'
import type { Metric } from './evaluation.ts'

/** The threshold that precision and recall are taken at: the model's own, if it decides by the score. */
export function thresholdOf({ decision, score }: ModelDefinition): number | undefined {
  return decision?.output === score ? decision.threshold : undefined
}

/** The group's metrics by the model's task, after `label_coverage`: known outcomes as a share of its predictions. */
export function metricsOf(model: ModelDefinition, { counts, judged }: CollectedGroup): Metric[] {
  const scored = counts.predictions - counts.errors
  const n = judged.scores.length + judged.scoreTexts.length
  const coverage = scored === 0 ? {} : { coverage: n / scored }
  const metrics = taskMetrics(model, judged).map(([name, estimate, ofClass]): Metric => ({
    name,
    ...(ofClass !== undefined && { class: ofClass }),
    ...estimate,
    ...coverage,
  }))
  const known = proportionEstimate(counts.labeled + counts.negative, counts.predictions)
  return [{ name: 'label_coverage', ...known, ...(known.value !== undefined && { coverage: known.value }) }, ...metrics]
}

/** Sorts the pairs by value: rows arrive in any order, and the same rows must give the same figures to the last bit. */
function inOrder({ scores, outcomes }: Pick<Judged, 'scores' | 'outcomes'>): [score: number, outcome: number][] {
  return scores.map((score, row): [number, number] => [score, outcomes[row] ?? 0]).toSorted(([a, x], [b, y]) => a - b || x - y)
}

function taskMetrics(model: ModelDefinition, judged: Judged): readonly Named[] {
  if (model.task === 'multiclass_classification') return classMetricsOf(model, judged)
  const pairs = inOrder(judged)
  const scores = Float64Array.from(pairs, ([score]) => score)
  const outcomes = pairs.map(([, outcome]) => outcome)
  if (model.task === 'regression') return regressionMetrics(regressionSample({ predicted: scores, observed: Float64Array.from(outcomes) }))
  return binaryMetrics(binarySample({ scores, outcomes: Uint8Array.from(outcomes) }), { threshold: thresholdOf(model) })
}

function classMetricsOf(model: ModelDefinition, { scoreTexts, outcomeTexts, likelihoods }: Judged): readonly Named[] {
  const score = scoreOf(model)
  const givesProbabilities = score.kind === 'class' && score.probabilities !== undefined
  const ofObserved = Float64Array.from(likelihoods).sort()
  const sample = classSample({ predicted: scoreTexts, observed: outcomeTexts })
  return multiclassMetrics(sample, givesProbabilities ? { ofObserved, likeliest: undefined } : undefined)
}
