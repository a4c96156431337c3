import { type ModelDefinition, scoreOf } from '../../contracts/model-definition.ts'
import { atThreshold } from '../metrics/at-threshold.ts'
import { averagePrecision } from '../metrics/average-precision.ts'
import { expectedCalibrationError } from '../metrics/calibration.ts'
import { accuracy, classLogLoss, classMetrics, classSample, macroAverages } from '../metrics/classes.ts'
import { type Estimate, undefinedEstimate } from '../metrics/estimate.ts'
import { brierScore, logLoss } from '../metrics/losses.ts'
import { proportionEstimate } from '../metrics/proportion.ts'
import { recalibration } from '../metrics/recalibration.ts'
import { errorQuantile, meanAbsoluteError, meanError, rootMeanSquaredError, rSquared } from '../metrics/regression.ts'
import { rocAuc } from '../metrics/roc-auc.ts'
import { type BinarySample, binarySample, regressionSample, sampleOf } from '../metrics/sample.ts'
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

type Named = readonly [name: string, estimate: Estimate, ofClass?: string]

function taskMetrics(model: ModelDefinition, judged: Judged): Named[] {
  if (model.task === 'regression') return regressionMetrics(judged)
  return model.task === 'binary_classification' ? binaryMetrics(judged, thresholdOf(model)) : multiclassMetrics(model, judged)
}

function binaryMetrics(judged: Judged, threshold: number | undefined): Named[] {
  const pairs = inOrder(judged)
  const rows = binarySample({
    scores: Float64Array.from(pairs, ([score]) => score),
    outcomes: Uint8Array.from(pairs, ([, outcome]) => outcome),
  })
  // A score that is no probability can rank, but has no likelihood and no calibration.
  const isProbability = rows.scores.every((score) => score >= 0 && score <= 1)
  const ofProbability = (metric: (sample: BinarySample) => Estimate) => (isProbability ? metric(rows) : undefinedEstimate(rows.n))
  return [
    ['roc_auc', rocAuc(rows)],
    ['pr_auc', averagePrecision(rows)],
    ['log_loss', ofProbability(logLoss)],
    ['brier', ofProbability(brierScore)],
    ['ece', ofProbability(expectedCalibrationError)],
    ['calibration_slope', ofProbability((sample) => recalibration(sample).slope)],
    ['calibration_intercept', ofProbability((sample) => recalibration(sample).intercept)],
    ...(threshold === undefined ? [] : Object.entries(atThreshold(rows, threshold))),
  ]
}

function regressionMetrics(judged: Judged): Named[] {
  const pairs = inOrder(judged)
  const rows = regressionSample({
    predicted: Float64Array.from(pairs, ([score]) => score),
    observed: Float64Array.from(pairs, ([, outcome]) => outcome),
  })
  return [
    ['mae', meanAbsoluteError(rows)],
    ['rmse', rootMeanSquaredError(rows)],
    ['bias', meanError(rows)],
    ['r2', rSquared(rows)],
    ['error_p10', errorQuantile(rows, 0.1)],
    ['error_p50', errorQuantile(rows, 0.5)],
    ['error_p90', errorQuantile(rows, 0.9)],
  ]
}

/** The most classes whose precision and recall are listed; averages are over all classes. */
const listedClasses = 100

function multiclassMetrics(model: ModelDefinition, { scoreTexts, outcomeTexts, likelihoods }: Judged): Named[] {
  const rows = classSample({ predicted: scoreTexts, observed: outcomeTexts })
  const score = scoreOf(model)
  const classes = classMetrics(rows)
  const macro = macroAverages(rows)
  const mostFirst = classes.toSorted((a, b) => b.recall.n - a.recall.n).slice(0, listedClasses)
  return [
    ['accuracy', accuracy(rows)],
    ...(score.kind === 'class' && score.probabilities !== undefined
      ? [['log_loss', classLogLoss(Float64Array.from(likelihoods).sort(), sampleOf(likelihoods.length, undefined))] as const]
      : []),
    ['macro_precision', macro.precision],
    ['macro_recall', macro.recall],
    ['macro_f1', macro.f1],
    ...mostFirst.flatMap(({ name, precision, recall, f1 }): Named[] => [
      ['precision', precision, name],
      ['recall', recall, name],
      ['f1', f1, name],
    ]),
  ]
}
