import type { Dependence } from './dependence.ts'
import { type Estimate, undefinedEstimate } from './estimate.ts'
import { intervalOf } from './interval.ts'
import { clipProbability } from './losses.ts'
import { meanEstimate, ratioEstimate, ratioFigure } from './mean.ts'
import { shareEstimate } from './proportion.ts'
import { type Sample, sampleOf } from './sample.ts'
import { subsample } from './subsample.ts'
import { fewestHolding } from './variance.ts'

/** The class that a model named and the one that turned out, of the same rows. */
export type Classified = { predicted: readonly string[]; observed: readonly string[]; weights?: Float64Array | undefined }

/** Classified rows as numbers of their classes, which are in the order of their names. */
export type ClassSample = Sample & { names: readonly string[]; predicted: Uint32Array; observed: Uint32Array }

/** The metrics of one class: precision counts the rows that were called it, recall those that were it. */
export type ClassMetrics = { name: string; precision: Estimate; recall: Estimate; f1: Estimate }

export function classSample({ predicted, observed, weights }: Classified, dependence?: Dependence): ClassSample {
  const names = [...new Set([...new Set(predicted), ...new Set(observed)])].toSorted()
  const numbers = new Map(names.map((name, number) => [name, number]))
  const toNumbers = (classes: readonly string[]) => Uint32Array.from(classes, (name) => numbers.get(name) ?? 0)
  return {
    ...sampleOf(predicted.length, weights, dependence),
    names,
    predicted: toNumbers(predicted),
    observed: toNumbers(observed),
  }
}

export function accuracy(sample: ClassSample): Estimate {
  return shareEstimate({ isConcerned: () => true, isHit: (row) => sample.predicted[row] === sample.observed[row] }, sample)
}

/**
 * Precision, recall and F1 of every class that was predicted or observed, by name, the shares with Wilson's interval. A share without a
 * denominator is undefined.
 *
 * @example
 * ```ts
 * import { classMetrics, classSample } from './classes.ts'
 *
 * const classes = classMetrics(classSample({ predicted: ['cat', 'cat', 'dog'], observed: ['cat', 'dog', 'dog'] }))
 * classes.map(({ name, precision, recall }) => [name, precision.value, recall.value]) // => [['cat', 0.5, 1], ['dog', 1, 0.5]]
 * ```
 */
export function classMetrics(sample: ClassSample): ClassMetrics[] {
  const rowsOfClasses = rowsByClass(sample)
  return sample.names.map((name, number) => {
    const rows = rowsOfClasses[number] ?? new Uint32Array()
    const part = subsample(sample, rows)
    const isCalled = (at: number) => sample.predicted[rows[at]!] === number
    const isOne = (at: number) => sample.observed[rows[at]!] === number
    return {
      name,
      precision: shareEstimate({ isConcerned: isCalled, isHit: isOne }, part),
      recall: shareEstimate({ isConcerned: isOne, isHit: isCalled }, part),
      f1: f1Of(part, isCalled, isOne),
    }
  })
}

function f1Of(part: Sample, isCalled: (at: number) => boolean, isOne: (at: number) => boolean): Estimate {
  const named = Float64Array.from({ length: part.n }, (_, at) => Number(isCalled(at)) + Number(isOne(at)))
  const figure = ratioFigure(
    named.map((times) => (times === 2 ? 2 : 0)),
    named,
    part,
  )
  if (Number.isNaN(figure.value)) return undefinedEstimate(part.n)
  return ratioEstimate(figure, { dependence: part.dependence, rarer: fewestHolding(part.dependence, isOne) })
}

/** The rows that each class was called or was, in their order. */
function rowsByClass({ n, names, predicted, observed }: ClassSample): Uint32Array[] {
  const counts = new Uint32Array(names.length)
  const forEachClass = (row: number, then: (number: number) => void) => {
    then(predicted[row]!)
    if (observed[row] !== predicted[row]) then(observed[row]!)
  }
  for (let row = 0; row < n; row++) forEachClass(row, (number) => (counts[number]! += 1))
  const rows = Array.from(counts, (count) => new Uint32Array(count))
  const next = new Uint32Array(names.length)
  for (let row = 0; row < n; row++) forEachClass(row, (number) => (rows[number]![next[number]!++] = row))
  return rows
}

export type MacroAverages = Record<'precision' | 'recall' | 'f1', Estimate>

/**
 * The plain means over classes that were predicted or observed, one without a denominator counting as 0, and the mean of their harmonic
 * means (F1): scikit-learn's `average='macro'`. No interval where a class that turned out is in fewer than 10 clusters.
 */
export function macroAverages(sample: ClassSample): MacroAverages {
  const { n, dependence } = sample
  if (n === 0 || sample.totalWeight === 0)
    return { precision: undefinedEstimate(n), recall: undefinedEstimate(n), f1: undefinedEstimate(n) }
  const sums = sumsByClass(sample)
  const rarer = rarestClass(sample)
  const estimate = (of: keyof MacroAverages) => {
    const { value, influence } = macroFigures[of](sample, sums)
    return intervalOf({ value, influence, n }, { dependence, range: { least: 0, most: 1 }, rarer })
  }
  return { precision: estimate('precision'), recall: estimate('recall'), f1: estimate('f1') }
}

/** The fewest clusters that hold a class which turned out. */
function rarestClass(sample: ClassSample): number {
  const holding = rowsByClass(sample).flatMap((rows, number) => {
    const clusters = fewestHolding(subsample(sample, rows).dependence, (at) => sample.observed[rows[at]!] === number)
    return clusters === 0 ? [] : [clusters]
  })
  return Math.min(...holding)
}

type ClassSums = Record<'called' | 'were' | 'hits', Float64Array>

function sumsByClass({ n, names, predicted, observed, weights }: ClassSample): ClassSums {
  const [called, were, hits] = [new Float64Array(names.length), new Float64Array(names.length), new Float64Array(names.length)]
  for (let row = 0; row < n; row++) {
    called[predicted[row]!]! += weights[row]!
    were[observed[row]!]! += weights[row]!
    if (predicted[row] === observed[row]) hits[predicted[row]!]! += weights[row]!
  }
  return { called, were, hits }
}

type MacroFigure = (sample: ClassSample, sums: ClassSums) => { value: number; influence: Float64Array }

const macroFigures: Record<keyof MacroAverages, MacroFigure> = {
  precision: (sample, { hits, called }) => shareOfClasses(sample, hits, called, sample.predicted),
  recall: (sample, { hits, were }) => shareOfClasses(sample, hits, were, sample.observed),
  f1(sample, { hits, called, were }) {
    const { n, names, weights, predicted, observed } = sample
    const below = called.map((weight, number) => weight + were[number]!)
    const shares = hits.map((weight, number) => (below[number] === 0 ? 0 : (2 * weight) / below[number]!))
    const influence = new Float64Array(n)
    for (let row = 0; row < n; row++) {
      const [said, came] = [predicted[row]!, observed[row]!]
      const gained = said === came ? 2 / below[said]! : 0
      influence[row] = (weights[row]! * (gained - shares[said]! / below[said]! - shares[came]! / below[came]!)) / names.length
    }
    return { value: meanOf(shares), influence }
  },
}

function shareOfClasses({ n, names, weights, predicted, observed }: ClassSample, hits: Float64Array, below: Float64Array, by: Uint32Array) {
  const shares = hits.map((weight, number) => (below[number] === 0 ? 0 : weight / below[number]!))
  const influence = new Float64Array(n)
  for (let row = 0; row < n; row++) {
    const number = by[row]!
    if (below[number] === 0) continue
    const hit = Number(predicted[row] === observed[row])
    influence[row] = (weights[row]! * (hit - shares[number]!)) / below[number]! / names.length
  }
  return { value: meanOf(shares), influence }
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** What rows weigh by the class that was called and the one that it was: rows alone, where they all weigh 1. */
export type ConfusionCell = { predicted: string; observed: string; n: number; weight: number }

/** The cells of the confusion matrix that hold a row, by the names of what was observed and predicted. */
export function confusionMatrix({ n, names, predicted, observed, weights }: ClassSample): ConfusionCell[] {
  const cells = new Map<number, { n: number; weight: number }>()
  for (let row = 0; row < n; row++) {
    const key = observed[row]! * names.length + predicted[row]!
    const cell = cells.get(key) ?? { n: 0, weight: 0 }
    cell.n += 1
    cell.weight += weights[row]!
    cells.set(key, cell)
  }
  return [...cells]
    .toSorted(([a], [b]) => a - b)
    .map(([key, cell]) => ({
      observed: names[Math.floor(key / names.length)] ?? '',
      predicted: names[key % names.length] ?? '',
      ...cell,
    }))
}

/**
 * Mean negative log-likelihood in nats of the classes that turned out, probabilities kept 2⁻⁵² from 0 and 1. Undefined where one is NaN,
 * which says that a row's probabilities are none.
 */
export function classLogLoss(likelihoods: Float64Array, sample: Sample): Estimate {
  if (likelihoods.some(Number.isNaN)) return undefinedEstimate(likelihoods.length)
  return meanEstimate(
    likelihoods.map((likelihood) => -Math.log(clipProbability(likelihood))),
    sample,
    { range: { least: 0 } },
  )
}
