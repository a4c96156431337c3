import { type ErrorCode, ServiceError } from '../../contracts/errors.ts'
import type { FileRow, FileSource } from '../../platform/files/file-source.ts'
import { readTime } from '../../platform/files/file-time.ts'
import { parseBoolean, readNumber, readText } from '../import/read-scalar.ts'
import type { ArrayColumns, ArrayTask } from './array-columns.ts'

/** The rows of a file that weigh more than 0. */
export type ArrayRows = {
  rows: number
  /** Rows that weigh 0 and are left out. */
  zeroWeight: number
  scores: number[]
  outcomes: number[]
  scoreTexts: string[]
  outcomeTexts: string[]
  weights: number[] | undefined
  /** UTC days since 1970; undefined for a row that states none. */
  days: (string | undefined)[] | undefined
  /** For each column of clusters, the cluster of each row; undefined for one that states none. */
  clusters: (string | undefined)[][]
  /** For each class, its probability in each row. */
  probabilities: number[][]
}

/** Reads every row, and refuses the first cell that cannot be what its column is, by its line and column. */
export async function readArray(source: FileSource, columns: ArrayColumns, task: ArrayTask): Promise<ArrayRows> {
  const array = emptyArray(columns)
  for await (const row of source.rows()) {
    array.rows += 1
    const value = recordOf(row)
    const cell: Cells = { row, value }
    const weight = columns.weight === undefined ? 1 : readWeight(cell, columns.weight)
    if (weight === 0) array.zeroWeight += 1
    else add(array, cell, weight)
  }
  return array

  function add(to: ArrayRows, cell: Cells, weight: number): void {
    to.weights?.push(weight)
    to.days?.push(readCell(cell, columns.day ?? '', toDay, 'optional'))
    for (const [at, name] of columns.clusters.entries()) to.clusters[at]?.push(readCell(cell, name, toName, 'optional'))
    if (task === 'classes') {
      to.outcomeTexts.push(readCell(cell, columns.outcome, toName))
      if (columns.probabilities.size === 0) to.scoreTexts.push(readCell(cell, columns.score, toName))
      else addProbabilities(to, cell)
      return
    }
    to.scores.push(readCell(cell, columns.score, readNumber))
    to.outcomes.push(readCell(cell, columns.outcome, task === 'binary' ? toOutcome : readNumber))
  }

  function addProbabilities(to: ArrayRows, cell: Cells): void {
    const given = [...columns.probabilities.values()].map((name) => readProbability(cell, name))
    const sum = given.reduce((total, share) => total + share, 0)
    if (Math.abs(sum - 1) > sumTolerance)
      throw refusal(cell.row, undefined, 'out_of_range', `the probabilities of the classes add up to ${sum}, not 1`)
    const observed = to.outcomeTexts.at(-1) ?? ''
    if (!columns.probabilities.has(observed))
      throw refusal(cell.row, columns.outcome, 'out_of_range', `is the class ${observed}, of which no column is the probability`)
    for (const [at, share] of given.entries()) to.probabilities[at]?.push(share)
  }
}

/** How far probabilities may be from 1 together: what rounding to half precision leaves. */
const sumTolerance = 1e-2

type Cells = { row: FileRow; value: Readonly<Record<string, unknown>> }

function emptyArray({ weight, day, clusters, probabilities }: ArrayColumns): ArrayRows {
  return {
    rows: 0,
    zeroWeight: 0,
    scores: [],
    outcomes: [],
    scoreTexts: [],
    outcomeTexts: [],
    weights: weight === undefined ? undefined : [],
    days: day === undefined ? undefined : [],
    clusters: clusters.map(() => []),
    probabilities: [...probabilities.values()].map(() => []),
  }
}

function recordOf(row: FileRow): Readonly<Record<string, unknown>> {
  if ('value' in row) return row.value
  const { code, path, message } = row.problem
  throw refusal(row, path, code, message)
}

function readCell<T>(cell: Cells, column: string, read: (value: unknown) => T): T
function readCell<T>(cell: Cells, column: string, read: (value: unknown) => T, isOptional: 'optional'): T | undefined
function readCell<T>({ row, value }: Cells, column: string, read: (value: unknown) => T, isOptional?: 'optional'): T | undefined {
  const found = value[column]
  if (found === undefined || found === null) {
    if (isOptional !== undefined) return undefined
    throw refusal(row, column, 'invalid_request', 'is missing: a row has one, in a column of this name')
  }
  try {
    return read(found)
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    throw refusal(row, column, error.code, error.message)
  }
}

function refusal({ line, file }: FileRow, column: string | undefined, code: ErrorCode, message: string): ServiceError {
  const place = `${file === undefined ? '' : `${file}, `}line ${line}`
  return new ServiceError(code, `${place}: ${message}`, column === undefined ? {} : { path: column })
}

function readWeight(cell: Cells, column: string): number {
  return readCell(cell, column, (value) => {
    const weight = readNumber(value)
    if (weight < 0) throw new ServiceError('out_of_range', 'is a negative weight')
    return weight
  })
}

function readProbability(cell: Cells, column: string): number {
  return readCell(cell, column, (value) => {
    const probability = readNumber(value)
    if (probability < 0 || probability > 1) throw new ServiceError('out_of_range', 'is no probability: it lies outside 0 to 1')
    return probability
  })
}

function toOutcome(value: unknown): number {
  const boolean = parseBoolean(value)
  if (boolean !== undefined) return Number(boolean)
  const number = readNumber(value, 'is none of 0, 1, true and false')
  if (number !== 0 && number !== 1) throw new ServiceError('out_of_range', 'is none of 0, 1, true and false')
  return number
}

function toName(value: unknown): string {
  const text = readText(value)
  if (typeof text !== 'string') throw new ServiceError('invalid_request', 'must be text or an integer')
  return text
}

/** The UTC day of a time or a date. */
function toDay(value: unknown): string {
  const time = readTime(value, { timeZone: 'UTC' })
  if (typeof time !== 'number') throw new ServiceError('invalid_request', time.problem)
  return new Date(time).toISOString().slice(0, 10)
}
