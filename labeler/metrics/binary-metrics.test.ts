import { describe, expect, test } from 'vitest'
import { atThreshold } from './at-threshold.ts'
import { averagePrecision } from './average-precision.ts'
import { binaryExample } from './binary-example.ts'
import { expectedCalibrationError } from './calibration.ts'
import type { Estimate } from './estimate.ts'
import { brierScore, logLoss } from './losses.ts'
import { recalibration } from './recalibration.ts'
import { rocAuc } from './roc-auc.ts'
import { binarySample } from './sample.ts'

const scored = (rows: readonly (readonly [score: number, outcome: number])[]) =>
  binarySample({
    scores: Float64Array.from(rows, ([score]) => score),
    outcomes: Uint8Array.from(rows, ([, outcome]) => outcome),
  })
const example = binarySample(binaryExample)

function expectEstimate(estimate: Estimate, [value, lower, upper]: readonly [number, number, number], digits = 9): void {
  expect(estimate.value).toBeCloseTo(value, 12)
  expect(estimate.lower).toBeCloseTo(lower, digits)
  expect(estimate.upper).toBeCloseTo(upper, digits)
}

describe('rocAuc', () => {
  // Hanley and McNeil's 109 CT images: Stata's manual has 0.8932 under [R] roctab, with DeLong's standard error of 0.0307. The interval is
  // that error on the logit scale, with scipy.stats.t of 50 degrees of freedom.
  test('gives the published area of ratings with many ties, and the interval of its DeLong error', () => {
    const normal = [33, 6, 6, 11, 2]
    const abnormal = [3, 2, 2, 11, 33]
    const rowsOf = (counts: readonly number[], outcome: number) =>
      counts.flatMap((count, rating) => Array.from({ length: count }, () => [rating + 1, outcome] as const))
    const estimate = rocAuc(scored([...rowsOf(normal, 0), ...rowsOf(abnormal, 1)]))
    expect(estimate.value).toBeCloseTo(0.8932, 4)
    expect(estimate.lower).toBeCloseTo(0.8140868052125928, 9)
    expect(estimate.upper).toBeCloseTo(0.9410502644092443, 9)
    expect(estimate).toMatchObject({ n: 109, method: 'delong', clustered_by: 'rows', clusters: 51 })
  })

  // scikit-learn 1.9.1 roc_auc_score; the interval from DeLong's placements by definition, in NumPy, with SciPy's logit and t.
  test('equals scikit-learn', () => {
    expectEstimate(rocAuc(example), [0.7774936061381075, 0.5706183969156595, 0.9018423199205183])
  })

  test('is undefined with one class, and has no interval when a class has one row', () => {
    expect(rocAuc(scored([[0.2, 1]]))).toEqual({ n: 1, method: 'none' })
    const single = [
      [0.9, 1],
      [0.1, 0],
      [0.2, 0],
    ] as const
    expect(rocAuc(scored(single))).toEqual({ value: 1, n: 3, method: 'too_few_clusters' })
  })
})

describe('averagePrecision', () => {
  // scikit-learn 1.9.1 average_precision_score; the interval from its derivatives by each row's weight, taken numerically,
  // around the value less the mean of (1 - precision) / (chosen - 1) at each positive's score.
  test('equals scikit-learn, ties being one threshold', () => {
    expectEstimate(averagePrecision(example), [0.7514436015733594, 0.5189528719460327, 0.8788306392946768], 7)
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
    ).toEqual({ value: 1, n: 2, method: 'too_few_clusters' })
  })

  // Sums of 1/positives are not 1 for most of these numbers.
  test.each([1, 3, 49, 107, 1000])('is exactly 1 and has no interval for %d positives in perfect order', (positives) => {
    const rows = Array.from({ length: positives + 500 }, (_, row) => [row, row < 500 ? 0 : 1] as const)
    const method = positives < 10 ? 'too_few_clusters' : 'too_near_the_limit'
    expect(averagePrecision(scored(rows))).toEqual({ value: 1, n: positives + 500, method })
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
  const positives = Array.from({ length: 10 }, () => [0.999, 1] as const)
  const rare = scored([[0.999, 0], ...positives, ...Array.from({ length: 10 }, () => [0.001, 0] as const)])
  expect(brierScore(rare).lower).toBe(0)
  expect(logLoss(rare).lower).toBe(0)
  const wrong = scored(Array.from(rare.scores, (score, row) => [1 - score, rare.outcomes[row] ?? 0]))
  expect(brierScore(wrong).upper).toBe(1)
})

// scikit-learn 1.9.1 log_loss and brier_score_loss; intervals from scipy.stats.t.interval and sem.
test('log loss and Brier score equal scikit-learn', () => {
  expectEstimate(logLoss(example), [0.5904692555339304, 0.49166253566482787, 0.6892759754030329])
  expectEstimate(brierScore(example), [0.2005575, 0.1566141177287022, 0.2445008822712978])
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

test('expected calibration error claims no interval, and is 0 where noise explains it', () => {
  const { value, ...rest } = expectedCalibrationError(example)
  expect(value).toBeGreaterThan(0)
  expect(rest).toEqual({ n: 40, method: 'not_computed' })
  const asSaid = Array.from({ length: 1000 }, (_, row) => [0.25, row % 4 === 0 ? 1 : 0] as const)
  expect(expectedCalibrationError(scored(asSaid)).value).toBe(0)
})

test('with fewer than 10 rows of a class there are areas alone with an interval', () => {
  const rows = scored(Array.from({ length: 100 }, (_, row) => [((row * 37) % 101) / 101, row < 9 ? 1 : 0] as const))
  expect(rocAuc(rows)).toMatchObject({ method: 'delong', clusters: 9 })
  expect(brierScore(rows).method).toBe('too_few_clusters')
  expect(averagePrecision(rows).method).toBe('too_few_clusters')
  expect(recalibration(rows).intercept.method).toBe('too_few_clusters')
})

test('scores that part the classes have no slope', () => {
  const parted = scored(Array.from({ length: 60 }, (_, row) => [(row + 0.5) / 60, row < 30 ? 0 : 1] as const))
  expect(recalibration(parted).slope).toEqual({ n: 60, method: 'none' })
})

// scikit-learn 1.9.1 precision_score and recall_score; intervals from scipy.stats.binomtest().proportion_ci('wilson').
test('precision and recall at a threshold, with Wilson intervals', () => {
  const { precision, recall } = atThreshold(example, 0.5)
  expectEstimate(precision, [0.7, 0.39677814746114526, 0.892208732593699])
  expectEstimate(recall, [0.4117647058823529, 0.21611056790214817, 0.6399455735700021])
  expect([precision.n, recall.n]).toEqual([10, 17])
  expect(atThreshold(example, 0.99).precision).toEqual({ n: 0, method: 'none' })
  // Its derivatives by each row's weight, taken numerically of scikit-learn's f1_score.
  expectEstimate(atThreshold(example, 0.5).f1, [0.5185185185185185, 0.29188961580675615, 0.7377758215918717], 7)
})
