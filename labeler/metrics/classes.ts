import { type Estimate, undefinedEstimate } from './estimate.ts'
import { meanEstimate } from './mean.ts'
import { proportionEstimate } from './proportion.ts'

/** The class that a model named and the one that turned out, of the same rows. */
export type Classified = { predicted: readonly string[]; observed: readonly string[] }

/** The metrics of one class: precision counts the rows that were called it, recall those that were it. */
export type ClassMetrics = { name: string; precision: Estimate; recall: Estimate }

export function accuracy({ predicted, observed }: Classified): Estimate {
  return proportionEstimate(predicted.filter((name, row) => name === observed[row]).length, predicted.length)
}

/**
 * Precision and recall of every class that was predicted or observed, by name, each with Wilson's interval.
 *
 * @example
 * ```ts
 * import { classMetrics } from './classes.ts'
 *
 * const classes = classMetrics({ predicted: ['cat', 'cat', 'dog'], observed: ['cat', 'dog', 'dog'] })
 * classes.map(({ name, precision, recall }) => [name, precision.value, recall.value]) // => [['cat', 0.5, 1], ['dog', 1, 0.5]]
 * ```
 */
export function classMetrics({ predicted, observed }: Classified): ClassMetrics[] {
  const counts = new Map<string, { called: number; were: number; hits: number }>()
  const countsOf = (name: string) => {
    const known = counts.get(name) ?? { called: 0, were: 0, hits: 0 }
    counts.set(name, known)
    return known
  }
  for (const [row, name] of predicted.entries()) {
    countsOf(name).called += 1
    countsOf(observed[row] ?? '').were += 1
    if (name === observed[row]) countsOf(name).hits += 1
  }
  return [...counts]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { called, were, hits }]) => ({
      name,
      precision: proportionEstimate(hits, called),
      recall: proportionEstimate(hits, were),
    }))
}

/**
 * The plain means over classes that were predicted or observed, one without a denominator counting as 0, and the mean of
 * their harmonic means (F1): scikit-learn's `average='macro'`. They have no interval.
 */
export function macroAverages(classes: readonly ClassMetrics[], n: number): Record<'precision' | 'recall' | 'f1', Estimate> {
  const mean = (value: (metrics: ClassMetrics) => number): Estimate => {
    if (classes.length === 0) return undefinedEstimate(n)
    return { value: classes.reduce((sum, metrics) => sum + value(metrics), 0) / classes.length, n, method: 'not_computed' }
  }
  return {
    precision: mean(({ precision }) => precision.value ?? 0),
    recall: mean(({ recall }) => recall.value ?? 0),
    f1: mean(({ precision: { value: precision = 0 }, recall: { value: recall = 0 } }) =>
      precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall),
    ),
  }
}

/**
 * Mean negative log-likelihood in nats of the classes that turned out, probabilities kept 2⁻⁵² from 0 and 1. Undefined where
 * one is NaN, which says that a row's probabilities are none.
 */
export function classLogLoss(likelihoods: readonly number[]): Estimate {
  if (likelihoods.some(Number.isNaN)) return undefinedEstimate(likelihoods.length)
  return meanEstimate(
    likelihoods.map((likelihood) => -Math.log(Math.min(Math.max(likelihood, Number.EPSILON), 1 - Number.EPSILON))),
    { least: 0 },
  )
}
