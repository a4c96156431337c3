import { expect, test } from 'vitest'
import { binomialQuantile } from './distributions/binomial.ts'
import { errorQuantile, meanAbsoluteError, meanError, rootMeanSquaredError } from './regression.ts'
import { regressionSample } from './sample.ts'

const errors = regressionSample({
  observed: Float64Array.from([
    -19.0, 0.8, 24.9, 8.4, 11.6, 4.2, 33.1, 9.6, -34.0, -3.8, -29.4, -55.0, -0.6, 36.7, 10.9, -13.5, -8.8, 32.6, 13.2, 11.0, 8.9, 10.8,
    26.1, 21.1, 14.3,
  ]),
  predicted: Float64Array.from([
    -23.3, 5.9, 22.8, 17.0, 6.0, 5.4, 35.1, 3.7, -21.7, 7.0, -30.2, -48.4, 3.7, 23.0, 14.4, -11.9, -6.3, 28.1, 13.6, 11.9, 18.0, 14.8, 28.1,
    32.3, 13.0,
  ]),
})

// scikit-learn 1.9.1 mean_absolute_error and root_mean_squared_error, NumPy's mean; intervals from scipy.stats.t
// and sem (1.17.1), of MAE and RMSE on the logarithm, of RMSE the roots of the interval of the squares.
test.each([
  ['mean absolute error', meanAbsoluteError(errors), [4.972, 3.59368089718151, 6.878959124998629]],
  ['root mean squared error', rootMeanSquaredError(errors), [6.276973793158611, 4.755983411979938, 8.284385496541804]],
  ['bias', meanError(errors), [1.916, -0.6022291612438273, 4.434229161243827]],
] as const)('%s equals scikit-learn', (_, estimate, [value, lower, upper]) => {
  expect(estimate.value).toBeCloseTo(value, 12)
  expect(estimate.lower).toBeCloseTo(lower, 7)
  expect(estimate.upper).toBeCloseTo(upper, 7)
})

// numpy.quantile and scipy.stats.quantile_test(...).confidence_interval(0.95), which has nan where we have undefined.
test.each([
  [0.1, -5.16, undefined, -1.3],
  [0.5, 2, -0.8, 4.3],
  [0.9, 10.12, 5.1, undefined],
])('the %s quantile of the errors equals SciPy', (share, value, lower, upper) => {
  const estimate = errorQuantile(errors, share)
  expect(estimate.value).toBeCloseTo(value, 12)
  const rounded = [estimate.lower, estimate.upper].map((end) => (end === undefined ? undefined : Number(end.toFixed(9))))
  expect(rounded).toEqual([lower, upper])
})

// scipy.stats.binom(n, share).ppf(probability)
test.each([
  [25, 0.1, 0.975, 6],
  [25, 0.5, 0.025, 8],
  [1000, 0.9, 0.975, 918],
  [1000, 0.05, 0.025, 37],
  [200_000, 0.5, 0.975, 100_438],
  [200_000, 0.95, 0.025, 189_809],
  [3, 0.5, 0.025, 0],
])('binomial quantile of n = %d, p = %d at %d', (n, share, probability, expected) => {
  expect(binomialQuantile({ n, share, probability })).toBe(expected)
})

/** Errors as they would be of predictions of them where 0 was observed. */
const withErrors = (values: readonly number[]) =>
  regressionSample({ predicted: Float64Array.from(values), observed: new Float64Array(values.length) })

test('one row has a mean without an interval, none has nothing', () => {
  expect(meanError(withErrors([3]))).toEqual({ value: 3, n: 1, method: 'too_few_clusters' })
  expect(rootMeanSquaredError(withErrors([-3]))).toEqual({ value: 3, n: 1, method: 'too_few_clusters' })
  expect(errorQuantile(withErrors([]), 0.5)).toEqual({ n: 0, method: 'none' })
})

test('sizes of errors have an interval above 0 from 20 rows on, and not where all are 0', () => {
  const uneven = (zeros: number) => withErrors([...Array.from({ length: zeros }, () => 0), 40])
  expect(meanAbsoluteError(uneven(18)).method).toBe('too_few_clusters')
  expect(meanAbsoluteError(uneven(19))).toMatchObject({ value: 2, method: 'log' })
  expect(meanAbsoluteError(uneven(19)).lower).toBeGreaterThan(0)
  expect(rootMeanSquaredError(withErrors(Array.from({ length: 30 }, () => 0)))).toEqual({ value: 0, n: 30, method: 'too_near_the_limit' })
  expect(meanError(uneven(19)).lower).toBeLessThan(0)
})

const largest = Number.MAX_VALUE
test.each([
  ['a square overflows', [1e200, 1, 2], { n: 3, method: 'overflow' }, rootMeanSquaredError],
  ['a sum overflows', [largest, largest], { n: 2, method: 'overflow' }, meanError],
  ['an error is infinite', [Infinity, 1], { n: 2, method: 'overflow' }, meanAbsoluteError],
  [
    'the variance alone overflows',
    Array.from({ length: 10 }, (_, row) => (-1) ** row * 1e200),
    { value: 0, n: 10, method: 'overflow' },
    meanError,
  ],
  [
    'a distance between two errors overflows',
    [-largest, largest],
    { n: 2, method: 'overflow' },
    (sample: typeof errors) => errorQuantile(sample, 0.5),
  ],
])('is undefined, not infinite, where %s', (_, values, expected, metric) => {
  expect(metric(withErrors(values))).toEqual(expected)
})
