import { ServiceError } from '../../contracts/errors.ts'
import type { ComparisonSetup } from './comparison-setup.ts'

/** A decision that two versions scored, as it stood when it was first both mature and recorded. */
export type PairedRow = {
  decisionId: string
  anchorMs: number
  /** When it was first both mature and recorded. */
  enteredAtMs: number
  /** What a version said; left out where it failed or did not answer. */
  champion?: number | undefined
  challenger?: number | undefined
  /** Left out where the decision matured without a label. */
  outcome?: number | undefined
  /** Entity id by role. */
  entities: Readonly<Record<string, string>>
  /** Names the deployment revisions during which the same versions answered. */
  stratum: string
  tags?: readonly string[]
  replayed?: boolean
}

/** Why decisions do not take part, and how many. */
export type LeftOut = Record<'replayed' | 'trained_on' | 'before_start' | 'excluded_tag' | 'no_time' | 'repeated', number>

/** The rows that take part, each decision once, by the time they entered. */
export function selectRows(rows: Iterable<PairedRow>, setup: ComparisonSetup): { rows: PairedRow[]; leftOut: LeftOut } {
  const leftOut: LeftOut = { replayed: 0, trained_on: 0, before_start: 0, excluded_tag: 0, no_time: 0, repeated: 0 }
  const taken = new Map<string, PairedRow>()
  const startMs = Date.parse(setup.started_at)
  const trainedMs = setup.trained_until === undefined ? -Infinity : Date.parse(setup.trained_until)
  for (const row of rows) {
    const why = reasonOf(row)
    if (why === undefined) take(row)
    else leftOut[why] += 1
  }
  return { rows: [...taken.values()].toSorted((a, b) => a.enteredAtMs - b.enteredAtMs), leftOut }

  function reasonOf({ replayed, anchorMs, enteredAtMs, tags = [] }: PairedRow): keyof LeftOut | undefined {
    if (replayed === true) return 'replayed'
    if (!Number.isFinite(anchorMs) || !Number.isFinite(enteredAtMs)) return 'no_time'
    if (anchorMs < trainedMs) return 'trained_on'
    if (anchorMs < startMs) return 'before_start'
    return tags.some((tag) => setup.excluded_tags.includes(tag)) ? 'excluded_tag' : undefined
  }

  /** Of a decision that comes twice the row that entered first stands. */
  function take(row: PairedRow): void {
    const before = taken.get(row.decisionId)
    if (before !== undefined) leftOut.repeated += 1
    if (before === undefined || row.enteredAtMs < before.enteredAtMs) taken.set(row.decisionId, known(row, setup))
  }
}

/** The row without what is no number, and without scores that are no probabilities where such are needed. Throws `out_of_range` for an outcome of a probability that is neither 0 nor 1. */
function known(row: PairedRow, { loss }: ComparisonSetup): PairedRow {
  const finite = (value: number | undefined) => (value !== undefined && Number.isFinite(value) ? value : undefined)
  const outcome = finite(row.outcome)
  if (loss.kind !== 'squared_error' && outcome !== undefined && outcome !== 0 && outcome !== 1)
    throw new ServiceError('out_of_range', `the outcome of decision ${row.decisionId} is ${outcome}, and ${loss.kind} needs 0 or 1`)
  const score = (value: number | undefined) => (loss.kind === 'squared_error' || (value! >= 0 && value! <= 1) ? finite(value) : undefined)
  return { ...row, champion: score(row.champion), challenger: score(row.challenger), outcome }
}
