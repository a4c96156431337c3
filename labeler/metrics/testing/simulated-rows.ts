import { clusteredRows, type Dependence, independentRows } from '../dependence.ts'
import { createRandom } from './random.ts'

/** How rows of a simulation come about. */
export type Population = {
  name: string
  n: number
  /** Rows per entity; 1 declares rows independent. */
  rowsPerEntity: number
  days: number
  /** The logit that scores are around: 0 for a prevalence of a half. */
  centre: number
  /** The standard deviation of a shock that all rows of a day share, beside row effects of 1. */
  dayShock?: number
}

export type SimulatedRows = { scores: Float64Array; outcomes: Uint8Array; predicted: Float64Array; observed: Float64Array }

/** The share of the variance of what is said, and of what is not foreseen, that rows of an entity have in common. */
const intraClassCorrelation = 0.3

/**
 * Draws rows: x is what the model knows of a row and e what it does not, each normal, with a part that the entity's rows share. The score
 * is expit(centre + x), the outcome 1 with expit(centre + x + 0.8 e); the number predicted is x, the observed x + e.
 */
export function simulateRows({ n, rowsPerEntity, days, centre, dayShock = 0 }: Population, seed: number): SimulatedRows {
  const { uniform, normal } = createRandom(seed)
  const entities = Math.ceil(n / rowsPerEntity)
  const shared = rowsPerEntity === 1 ? 0 : intraClassCorrelation
  const draw = (count: number) => Float64Array.from({ length: count }, normal)
  const [known, unknown, ofDay] = [draw(entities), draw(entities), draw(days)]
  const rows = {
    scores: new Float64Array(n),
    outcomes: new Uint8Array(n),
    predicted: new Float64Array(n),
    observed: new Float64Array(n),
  }
  for (let row = 0; row < n; row++) {
    const entity = entityOf(row, rowsPerEntity)
    const x = Math.sqrt(shared) * known[entity]! + Math.sqrt(1 - shared) * normal()
    const e = Math.sqrt(shared) * unknown[entity]! + Math.sqrt(1 - shared) * normal() + dayShock * ofDay[dayOf(row, days)]!
    rows.scores[row] = expit(centre + x)
    rows.outcomes[row] = uniform() < expit(centre + x + 0.8 * e) ? 1 : 0
    rows.predicted[row] = x
    rows.observed[row] = x + e
  }
  return rows
}

/** The dependence that a model's definition would declare of such rows. */
export function dependenceOf({ n, rowsPerEntity, days }: Population): Dependence {
  if (rowsPerEntity === 1) return independentRows(n)
  const ids = Uint32Array.from({ length: n }, (_, row) => entityOf(row, rowsPerEntity))
  const ofDays = Uint32Array.from({ length: n }, (_, row) => dayOf(row, days))
  return clusteredRows({
    entities: [{ ids, count: Math.ceil(n / rowsPerEntity) }],
    days: { ids: ofDays, count: days },
    n,
  })
}

function entityOf(row: number, rowsPerEntity: number): number {
  return Math.floor(row / rowsPerEntity)
}

/** A day that does not depend on the entity: its rows are on many days. */
function dayOf(row: number, days: number): number {
  return Math.floor(((row * 0.6180339887498949) % 1) * days)
}

function expit(x: number): number {
  return 1 / (1 + Math.exp(-x))
}
