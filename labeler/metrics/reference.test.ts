import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { atThreshold, confusionAt } from './at-threshold.ts'
import { averagePrecision } from './average-precision.ts'
import { calibrationCurve, expectedCalibrationError } from './calibration.ts'
import { accuracy, classLogLoss, classMetrics, classSample, confusionMatrix, macroAverages } from './classes.ts'
import { clusteredRows, toClusters } from './dependence.ts'
import { normalCdf, normalQuantileOf } from './distributions/normal.ts'
import { studentQuantile } from './distributions/student.ts'
import type { Estimate } from './estimate.ts'
import { liftByDecile } from './lift.ts'
import { brierScore, logLoss } from './losses.ts'
import { recalibration } from './recalibration.ts'
import { errorQuantile, meanAbsoluteError, meanError, pinballLoss, quantileCoverage, rootMeanSquaredError, rSquared } from './regression.ts'
import { rocAuc } from './roc-auc.ts'
import { type BinarySample, binarySample, regressionSample, sampleOf } from './sample.ts'

// What scikit-learn, SciPy, NumPy and statsmodels make of the same arrays: testing/generate-reference.py made the file, which names their
// versions.
type Expected = number | null | Expected[]
type Expectations = Record<string, Expected>
type Case = { name: string; weights?: number[]; expected: Expectations } & (
  | { task: 'binary'; scores: number[]; outcomes: number[]; threshold: number }
  | { task: 'classes'; observed: string[]; predicted: string[]; likelihoods?: number[] }
  | { task: 'regression'; observed: number[]; predicted: number[]; quantile: number; scale: number }
)
type Intervals = {
  scores: number[]
  outcomes: number[]
  predicted: number[]
  observed: number[]
  entities: string[]
  days: string[]
  expected: Record<'independent' | 'clustered' | 'clustered_by_entity', Record<string, [number, number]>>
}
const reference = JSON.parse(readFileSync(new URL('testing/reference.json', import.meta.url), 'utf8')) as {
  cases: Case[]
  intervals: Intervals
  distributions: { student: [number, number, number][]; normal_quantile: [number, number][]; normal_cdf: [number, number][] }
}

const valueOf = ({ value }: Estimate): number | null => value ?? null
const weightsOf = ({ weights }: Case) => (weights === undefined ? undefined : Float64Array.from(weights))

function figuresOf(array: Case): Expectations {
  if (array.task === 'binary') return binaryFigures(array)
  return array.task === 'classes' ? classFigures(array) : regressionFigures(array)
}

function binaryFigures(array: Extract<Case, { task: 'binary' }>): Expectations {
  const sample = binarySample({
    scores: Float64Array.from(array.scores),
    outcomes: Uint8Array.from(array.outcomes),
    weights: weightsOf(array),
  })
  const { precision, recall, f1, accuracy: right } = atThreshold(sample, array.threshold)
  const { slope, intercept } = recalibration(sample)
  const confusion = confusionAt(sample, array.threshold)
  const curve = calibrationCurve(sample)
  const gains = liftByDecile(sample).map(({ gain }) => gain)
  return {
    roc_auc: valueOf(rocAuc(sample)),
    pr_auc: valueOf(averagePrecision(sample)),
    precision: valueOf(precision),
    recall: valueOf(recall),
    f1: valueOf(f1),
    accuracy: valueOf(right),
    confusion: [confusion.true_positive, confusion.false_positive, confusion.false_negative, confusion.true_negative],
    gains: gains.length === 0 ? null : gains,
    log_loss: valueOf(logLoss(sample)),
    brier: valueOf(brierScore(sample)),
    ece: valueOf(expectedCalibrationError(sample)),
    plug_in_ece: plugInEce(sample),
    calibration_slope: valueOf(slope),
    calibration_intercept: valueOf(intercept),
    curve_rate: curve.map(({ rate }) => rate),
    curve_mean_score: curve.map(({ mean_score: score }) => score),
  }
}

function plugInEce(sample: BinarySample): number {
  return calibrationCurve(sample).reduce((sum, bin) => sum + Math.abs(bin.rate - bin.mean_score) * (bin.weight / sample.totalWeight), 0)
}

function classFigures(array: Extract<Case, { task: 'classes' }>): Expectations {
  const sample = classSample({ observed: array.observed, predicted: array.predicted, weights: weightsOf(array) })
  const each = classMetrics(sample)
  const macro = macroAverages(sample)
  const cells = confusionMatrix(sample)
  const likelihoods = Float64Array.from(array.likelihoods ?? [])
  return {
    accuracy: valueOf(accuracy(sample)),
    precision: each.map(({ precision }) => valueOf(precision)),
    recall: each.map(({ recall }) => valueOf(recall)),
    f1: each.map(({ f1 }) => valueOf(f1)),
    macro_precision: valueOf(macro.precision),
    macro_recall: valueOf(macro.recall),
    macro_f1: valueOf(macro.f1),
    confusion: sample.names.map((observed) =>
      sample.names.map((predicted) => cells.find((cell) => cell.observed === observed && cell.predicted === predicted)?.weight ?? 0),
    ),
    log_loss: valueOf(classLogLoss(likelihoods, sampleOf(likelihoods.length, weightsOf(array)))),
  }
}

function regressionFigures(array: Extract<Case, { task: 'regression' }>): Expectations {
  const sample = regressionSample({
    observed: Float64Array.from(array.observed),
    predicted: Float64Array.from(array.predicted),
    weights: weightsOf(array),
  })
  const quantiles = [0.1, 0.5, 0.9].map((share) => valueOf(errorQuantile(sample, share)))
  return {
    mae: valueOf(meanAbsoluteError(sample)),
    rmse: valueOf(rootMeanSquaredError(sample)),
    bias: valueOf(meanError(sample)),
    r2: valueOf(rSquared(sample)),
    pinball: valueOf(pinballLoss(sample, array.quantile)),
    coverage: valueOf(quantileCoverage(sample)),
    quantiles: quantiles.includes(null) ? null : quantiles,
  }
}

/** Equal to 1e-9 of the value, or, where it is 0 but for rounding, to 1e-12 of the array's scale. */
function differences(found: Expected | undefined, expected: Expected, scale: number): string[] {
  if (Array.isArray(expected) && Array.isArray(found) && found.length === expected.length)
    return expected.flatMap((value, at) => differences(found[at], value, scale))
  if (typeof found !== 'number' || typeof expected !== 'number')
    return Object.is(found, expected) ? [] : [`${JSON.stringify(found)}, not ${JSON.stringify(expected)}`]
  return Math.abs(found - expected) <= Math.max(1e-9 * Math.abs(expected), 1e-12 * scale) ? [] : [`${found}, not ${expected}`]
}

describe('metrics equal those of scikit-learn and SciPy', () => {
  test('on at least 30 arrays', () => expect(reference.cases.length).toBeGreaterThanOrEqual(30))

  test.each(reference.cases.map((array) => [array.name, array] as const))('%s', (_, array) => {
    const found = figuresOf(array)
    const scale = array.task === 'regression' ? array.scale : 1
    const expected = Object.entries(array.expected).filter(([name]) => name !== 'classes')
    expect(expected.flatMap(([name, value]) => differences(found[name], value, scale).map((text) => `${name}: ${text}`))).toEqual([])
  })
})

describe('intervals equal those of SciPy and statsmodels', () => {
  const { intervals } = reference
  const n = intervals.scores.length
  const entities = [toClusters(intervals.entities)]
  const dependences = {
    independent: undefined,
    clustered: clusteredRows({ entities, days: toClusters(intervals.days), n }),
    clustered_by_entity: clusteredRows({ entities, days: undefined, n }),
  }
  const arrays = Object.entries(intervals.expected).flatMap(([dependence, expected]) =>
    Object.entries(expected).map(([metric, ends]) => [metric, dependence as keyof typeof dependences, ends] as const),
  )

  test.each(arrays)('%s, %s', (metric, name, [lower, upper]) => {
    const estimate = estimates(dependences[name])[metric as 'brier']
    expect(differences([estimate.lower ?? null, estimate.upper ?? null], [lower, upper], 1)).toEqual([])
    expect(estimate.clustered_by).toBe({ independent: 'rows', clustered: 'entity_and_day', clustered_by_entity: 'entity' }[name])
  })

  function estimates(dependence: Parameters<typeof binarySample>[1]) {
    const binary = binarySample({ scores: Float64Array.from(intervals.scores), outcomes: Uint8Array.from(intervals.outcomes) }, dependence)
    const numbers = regressionSample(
      { predicted: Float64Array.from(intervals.predicted), observed: Float64Array.from(intervals.observed) },
      dependence,
    )
    return {
      brier: brierScore(binary),
      log_loss: logLoss(binary),
      roc_auc: rocAuc(binary),
      calibration_slope: recalibration(binary).slope,
      bias: meanError(numbers),
      r2: rSquared(numbers),
    }
  }
})

describe('distributions equal those of SciPy', () => {
  test.each(reference.distributions.student)("Student's quantile of %d with %d degrees", (probability, degrees, expected) => {
    expect(studentQuantile(probability, degrees) / expected).toBeCloseTo(1, 9)
    expect(studentQuantile(1 - probability, degrees)).toBe(-studentQuantile(1 - (1 - probability), degrees))
  })

  test.each(reference.distributions.normal_quantile)('normal quantile of %d', (probability, expected) => {
    expect(normalQuantileOf(probability)).toBeCloseTo(expected, 12)
  })

  test.each(reference.distributions.normal_cdf)('normal distribution function of %d', (x, expected) => {
    expect(normalCdf(x) / expected).toBeCloseTo(1, 12)
  })
})
