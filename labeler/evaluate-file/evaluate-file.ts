import type { FileSource } from '../../platform/files/file-source.ts'
import type { Costs } from '../metrics/at-threshold.ts'
import { classSample } from '../metrics/classes.ts'
import { clusteredRows, type Dependence, independentRows, toClusters } from '../metrics/dependence.ts'
import { confidenceLevel, type Estimate } from '../metrics/estimate.ts'
import { type BinaryTables, binaryMetrics, binaryTables } from '../metrics/reports/binary.ts'
import { type ClassTables, classTables, type Likelihoods, multiclassMetrics } from '../metrics/reports/classes.ts'
import type { Named } from '../metrics/reports/named.ts'
import { regressionMetrics } from '../metrics/reports/regression.ts'
import { binarySample, regressionSample } from '../metrics/sample.ts'
import { type ArrayColumns, type ArrayTask, checkColumns } from './array-columns.ts'
import { type ArrayRows, readArray } from './read-array.ts'

export type EvaluateFileOptions = {
  source: FileSource
  task: ArrayTask
  columns: ArrayColumns
  threshold?: number | undefined
  costs?: Costs | undefined
  /** The quantile of the outcome that predictions are meant as. */
  quantile?: number | undefined
}

export type ArrayMetric = Estimate & { name: string; class?: string }

/** The figures of a file's rows. */
export type FileEvaluation = {
  task: ArrayTask
  rows: number
  /** Rows that weigh 0, which nothing is computed from. */
  zero_weight: number
  threshold?: number
  costs?: Costs
  quantile?: number
  confidence_level: number
  metrics: ArrayMetric[]
  tables: Partial<BinaryTables> & Partial<ClassTables>
}

/** Computes the metrics of a file's rows. Throws for the first cell that cannot be what its column is. */
export async function evaluateFile({ source, task, columns, threshold, costs, quantile }: EvaluateFileOptions): Promise<FileEvaluation> {
  checkColumns(columns)
  const array = await readArray(source, columns, task)
  const { metrics, tables } = figuresOf[task](array, { columns, threshold, costs, quantile })
  return {
    task,
    rows: array.rows,
    zero_weight: array.zeroWeight,
    ...(threshold !== undefined && { threshold }),
    ...(costs !== undefined && { costs }),
    ...(quantile !== undefined && { quantile }),
    confidence_level: confidenceLevel,
    metrics: metrics.map(([name, estimate, ofClass]) => ({ name, ...(ofClass !== undefined && { class: ofClass }), ...estimate })),
    tables,
  }
}

type Declared = Pick<EvaluateFileOptions, 'columns' | 'threshold' | 'costs' | 'quantile'>
type Figures = { metrics: Named[]; tables: FileEvaluation['tables'] }

const figuresOf: Record<ArrayTask, (array: ArrayRows, declared: Declared) => Figures> = {
  binary(array, { threshold, costs }) {
    const rows = { scores: Float64Array.from(array.scores), outcomes: Uint8Array.from(array.outcomes), weights: weightsOf(array) }
    const sample = binarySample(rows, dependenceOf(array))
    return { metrics: binaryMetrics(sample, { threshold, costs }), tables: binaryTables(sample, { threshold, costs }) }
  },
  regression(array, { quantile }) {
    const rows = { predicted: Float64Array.from(array.scores), observed: Float64Array.from(array.outcomes), weights: weightsOf(array) }
    return { metrics: regressionMetrics(regressionSample(rows, dependenceOf(array)), quantile), tables: {} }
  },
  classes(array, { columns }) {
    const { predicted, likelihoods } = saidClasses(array, [...columns.probabilities.keys()])
    const sample = classSample({ predicted, observed: array.outcomeTexts, weights: weightsOf(array) }, dependenceOf(array))
    return { metrics: multiclassMetrics(sample, likelihoods), tables: classTables(sample, likelihoods) }
  },
}

/** Weights; very large or small ones as shares of the largest, so that their sums and products stay within a double. */
function weightsOf({ weights }: ArrayRows): Float64Array | undefined {
  if (weights === undefined) return undefined
  const largest = weights.reduce((most, weight) => Math.max(most, weight), 0)
  const isUsual = largest > 1e-100 && largest < 1e100
  return Float64Array.from(weights, (weight) => (isUsual ? weight : weight / largest))
}

/** Rows are independent where neither clusters nor days are declared. */
function dependenceOf({ clusters, days, rows, zeroWeight }: ArrayRows): Dependence {
  const n = rows - zeroWeight
  if (clusters.length === 0 && days === undefined) return independentRows(n)
  return clusteredRows({ entities: clusters.map(toClusters), days: days === undefined ? undefined : toClusters(days), n })
}

/** The class that was said: as it stands, or the likeliest, the first of equals. */
function saidClasses(array: ArrayRows, names: readonly string[]): { predicted: string[]; likelihoods?: Likelihoods } {
  if (names.length === 0) return { predicted: array.scoreTexts }
  const n = array.outcomeTexts.length
  const predicted: string[] = []
  const ofObserved = new Float64Array(n)
  const likeliest = { probabilities: new Float64Array(n), isObserved: new Uint8Array(n) }
  for (const [row, observed] of array.outcomeTexts.entries()) {
    const given = array.probabilities.map((ofClass) => ofClass[row] ?? 0)
    const most = Math.max(...given)
    const said = names[given.indexOf(most)] ?? ''
    predicted.push(said)
    ofObserved[row] = given[names.indexOf(observed)] ?? 0
    likeliest.probabilities[row] = most
    likeliest.isObserved[row] = Number(said === observed)
  }
  return { predicted, likelihoods: { ofObserved, likeliest } }
}
