import { expect, test } from 'vitest'
import { accuracy, classLogLoss, classMetrics, classSample, macroAverages } from './classes.ts'
import { sampleOf } from './sample.ts'

const rows = classSample({
  observed: ['cat', 'dog', 'fish', 'cat', 'dog', 'dog', 'fish', 'cat', 'bird', 'dog', 'cat', 'fish'],
  predicted: ['cat', 'dog', 'cat', 'cat', 'fish', 'dog', 'fish', 'dog', 'cat', 'dog', 'cat', 'cow'],
})

// scikit-learn 1.9.1 accuracy_score; the interval from scipy.stats.binomtest().proportion_ci('wilson').
test('accuracy equals scikit-learn', () => {
  const { value, lower, upper, n } = accuracy(rows)
  expect([value, n]).toEqual([0.5833333333333334, 12])
  expect(lower).toBeCloseTo(0.31951131254954973, 12)
  expect(upper).toBeCloseTo(0.8067396863412435, 12)
})

// scikit-learn 1.9.1 precision_recall_fscore_support(zero_division=0), where a class without a denominator is 0.
test('precision, recall and counts of each class equal scikit-learn, undefined where nothing was called or was one', () => {
  const classes = classMetrics(rows)
  expect(classes.map(({ name }) => name)).toEqual(['bird', 'cat', 'cow', 'dog', 'fish'])
  expect(classes.map(({ precision }) => precision.value)).toEqual([undefined, 0.6, 0, 0.75, 0.5])
  expect(classes.map(({ recall }) => recall.value)).toEqual([0, 0.75, undefined, 0.75, 1 / 3])
  expect(classes.map(({ recall }) => recall.n)).toEqual([1, 4, 0, 4, 3])
})

// scikit-learn 1.9.1 precision_recall_fscore_support(average='macro', zero_division=0)
test('macro averages equal scikit-learn', () => {
  const { precision, recall, f1 } = macroAverages(rows)
  expect(precision.value).toBeCloseTo(0.37, 12)
  expect(recall.value).toBeCloseTo(0.36666666666666664, 12)
  expect(f1.value).toBeCloseTo(0.3633333333333333, 12)
  expect(macroAverages(classSample({ predicted: [], observed: [] })).f1).toEqual({ n: 0, method: 'none' })
})

// scikit-learn 1.9.1 log_loss
test('log loss equals scikit-learn, and is undefined where a row has no probabilities', () => {
  const logLossOf = (likelihoods: readonly number[]) =>
    classLogLoss(Float64Array.from(likelihoods), sampleOf(likelihoods.length, undefined))
  expect(logLossOf([0.7, 0.8, 0.3, 1, 0.25])).toEqual({
    value: expect.closeTo(0.6340171321397537, 12) as number,
    n: 5,
    method: 'too_few_clusters',
  })
  expect(logLossOf([0.7, NaN])).toEqual({ n: 2, method: 'none' })
})
