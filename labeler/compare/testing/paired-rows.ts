import { type ComparisonSetup, defaultSetup } from '../comparison-setup.ts'
import type { PairedRow } from '../paired-row.ts'
import { createRandom } from './random.ts'

const dayMs = 86_400_000
export const startMs = Date.UTC(2026, 0, 5)

export function testSetup(fields: Partial<ComparisonSetup> = {}): ComparisonSetup {
  return {
    ...defaultSetup,
    model: 'delay',
    label: 'late',
    champion: '1',
    challenger: '2',
    loss: { kind: 'brier' },
    started_at: new Date(startMs).toISOString(),
    entities: ['airport'],
    ...fields,
  }
}

export type RowsSpec = {
  days: number
  perDay?: number
  entities?: number
  seed?: number
  /** How much of what the challenger does not know the champion does not know either; 0 is the same as the challenger. */
  blur?: number
  /** Changes each row, as to take its label away. */
  change?: (row: PairedRow, random: () => number) => PairedRow
}

/** Decisions whose challenger knows the probability, and whose champion says it with an error of ± `blur`. */
export function pairedRows({ days, perDay = 200, entities = 100, seed = 1, blur = 0.3, change = (row) => row }: RowsSpec): PairedRow[] {
  const { uniform } = createRandom(seed)
  return Array.from({ length: days * perDay }, (_, index) => {
    const anchorMs = startMs + Math.floor((index / perDay) * dayMs)
    const probability = 0.3 + 0.4 * uniform()
    const row: PairedRow = {
      decisionId: String(index),
      anchorMs,
      enteredAtMs: anchorMs,
      champion: probability + blur * (uniform() < 0.5 ? -1 : 1),
      challenger: probability,
      outcome: Number(uniform() < probability),
      entities: { airport: `A${Math.floor(uniform() * entities)}` },
      stratum: 'revision 1',
    }
    return change(row, uniform)
  })
}

/** So many days after the start. */
export function afterDays(days: number): number {
  return startMs + days * dayMs
}
