import { describe, expect, test } from 'vitest'
import { precisionAndRecall } from './at-threshold.ts'
import { averagePrecision } from './average-precision.ts'
import { binaryExample } from './binary-example.ts'
import { expectedCalibrationError } from './calibration-error.ts'
import type { Estimate } from './estimate.ts'
import { brierScore, logLoss } from './losses.ts'
import { midranks, rocAuc } from './roc-auc.ts'

const scored = (rows: readonly (readonly [score: number, outcome: number])[]) => ({
  scores: Float64Array.from(rows, ([score]) => score),
  outcomes: Uint8Array.from(rows, ([, outcome]) => outcome),
})

function expectEstimate(estimate: Estimate, [value, lower, upper]: readonly [number, number, number]): void {
  expect(estimate.value).toBeCloseTo(value, 12)
  expect(estimate.lower).toBeCloseTo(lower, 9)
  expect(estimate.upper).toBeCloseTo(upper, 9)
}

describe('rocAuc', () => {
  // Hanley and McNeil's 109 CT images, as Stata's manual prints them under [R] roctab: 0.8932, 0.83295 to 0.95339.
  test('gives the published area and DeLong interval of ratings with many ties', () => {
    const normal = [33, 6, 6, 11, 2]
    const abnormal = [3, 2, 2, 11, 33]
    const rowsOf = (counts: readonly number[], outcome: number) =>
      counts.flatMap((count, rating) => Array.from({ length: count }, () => [rating + 1, outcome] as const))
    const estimate = rocAuc(scored([...rowsOf(normal, 0), ...rowsOf(abnormal, 1)]))
    expect(estimate.value).toBeCloseTo(0.8932, 4)
    expect(estimate.lower).toBeCloseTo(0.83295, 5)
    expect(estimate.upper).toBeCloseTo(0.95339, 5)
    expect(estimate).toMatchObject({ n: 109, method: 'delong' })
  })

  // scikit-learn 1.9.1 roc_auc_score; the interval from DeLong's placements by definition, in NumPy.
  test('equals scikit-learn', () => {
    expectEstimate(rocAuc(binaryExample), [0.7774936061381075, 0.622867485000535, 0.9321197272756797])
  })

  test('is undefined with one class, and has no interval when a class has one row', () => {
    expect(rocAuc(scored([[0.2, 1]]))).toEqual({ n: 1, method: 'none' })
    const single = [
      [0.9, 1],
      [0.1, 0],
      [0.2, 0],
    ] as const
    expect(rocAuc(scored(single))).toEqual({ value: 1, n: 3, method: 'none' })
  })

  // scipy.stats.rankdata
  test('ranks ties by their mean', () => {
    expect([...midranks(Float64Array.from([2, 1, 2, 3, 2]))]).toEqual([3, 1, 3, 5, 3])
  })
})

describe('averagePrecision', () => {
  // scikit-learn 1.9.1 average_precision_score; the interval is Boyd's formula in SciPy's expit and logit.
  test('equals scikit-learn, ties being one threshold', () => {
    expectEstimate(averagePrecision(binaryExample), [0.7514436015733594, 0.5016004112515764, 0.9008094588880027])
  })

  test('is undefined without positives and has no interval when it is perfect', () => {
    expect(averagePrecision(scored([[0.2, 0]]))).toEqual({ n: 1, method: 'none' })
    expect(
      averagePrecision(
        scored([
          [0.2, 0],
          [0.3, 1],
        ]),
      ),
    ).toEqual({ value: 1, n: 2, method: 'too_near_the_limit' })
  })

  // Sums of 1/positives are not 1 for most of these numbers.
  test.each([1, 3, 49, 107, 1000])('is exactly 1 and has no interval for %d positives in perfect order', (positives) => {
    const rows = Array.from({ length: positives + 500 }, (_, row) => [row, row < 500 ? 0 : 1] as const)
    expect(averagePrecision(scored(rows))).toEqual({ value: 1, n: positives + 500, method: 'too_near_the_limit' })
  })

  test('has no interval where one would be all of 0 to 1', () => {
    const rows = Array.from({ length: 100 }, (_, row) => [row, row >= 90 || row === 88 ? 1 : 0] as const)
    // scikit-learn 1.9.1 average_precision_score
    const { value = NaN, ...rest } = averagePrecision(scored(rows))
    expect(value).toBeCloseTo(0.9924242424242424, 12)
    expect(rest).toEqual({ n: 100, method: 'too_near_the_limit' })
  })
})

test('a score that is NaN leaves rankings undefined', () => {
  const rows = scored([
    [NaN, 1],
    [0.2, 0],
    [NaN, 0],
    [0.4, 1],
  ])
  expect(averagePrecision(rows)).toEqual({ n: 4, method: 'none' })
  expect(rocAuc(rows)).toEqual({ n: 4, method: 'none' })
})

test('infinite scores rank as what they are', () => {
  const rows = scored([
    [Infinity, 1],
    [-Infinity, 0],
    [Infinity, 1],
    [-Infinity, 0],
    [0, 1],
  ])
  expect(averagePrecision(rows).value).toBe(1)
  expect(rocAuc(rows)).toEqual({ value: 1, n: 5, method: 'too_near_the_limit' })
})

test("ends of intervals stay in the metric's range", () => {
  const rare = scored([[0.999, 0], ...Array.from({ length: 4 }, () => [0.001, 0] as const)])
  expect(brierScore(rare).lower).toBe(0)
  expect(logLoss(rare).lower).toBe(0)
  const wrong = scored([[0.001, 0], ...Array.from({ length: 4 }, () => [0.999, 0] as const)])
  expect(brierScore(wrong).upper).toBe(1)
})

// scikit-learn 1.9.1 log_loss and brier_score_loss; intervals from scipy.stats.norm.interval and sem.
test('log loss and Brier score equal scikit-learn', () => {
  expectEstimate(logLoss(binaryExample), [0.5904692555339304, 0.4947266927648942, 0.6862118183029665])
  expectEstimate(brierScore(binaryExample), [0.2005575, 0.15797687349031345, 0.24313812650968655])
})

// scikit-learn 1.9.1 log_loss([1, 0, 1], [1.0, 0.0, 0.0])
test('log loss of a certain mistake is finite, as in scikit-learn', () => {
  expect(
    logLoss(
      scored([
        [1, 1],
        [0, 0],
        [0, 1],
      ]),
    ).value,
  ).toBeCloseTo(12.014551129705717, 9)
})

describe('expectedCalibrationError', () => {
  // scikit-learn 1.9.1 calibration_curve(n_bins=10), weighted by the bins' counts.
  test('equals the weighted gaps of the calibration curve, and claims no interval', () => {
    const { value = NaN, ...rest } = expectedCalibrationError(binaryExample)
    expect(value).toBeCloseTo(0.17475, 12)
    expect(rest).toEqual({ n: 40, method: 'not_computed' })
  })
})

// scikit-learn 1.9.1 precision_score and recall_score; intervals from scipy.stats.binomtest().proportion_ci('wilson').
test('precision and recall at a threshold, with Wilson intervals', () => {
  const { precision, recall } = precisionAndRecall(binaryExample, 0.5)
  expectEstimate(precision, [0.7, 0.39677814746114526, 0.892208732593699])
  expectEstimate(recall, [0.4117647058823529, 0.21611056790214817, 0.6399455735700021])
  expect([precision.n, recall.n]).toEqual([10, 17])
  expect(precisionAndRecall(binaryExample, 0.99).precision).toEqual({ n: 0, method: 'none' })
})
