import { type Agreement, type ArrivalCurve, type ArrivalRow, expectedKnown, newestAgree } from './arrival.ts'

const dayMs = 86_400_000

/** What a reader is told of the labels of one anchor day, as of now and for a later time. */
export type ArrivalForecast = { day: string; decisions: number; known: number; expected?: number; by: string; agreement: Agreement }

/**
 * How much of a day's outcomes is known, and how much is expected by a later time. Nothing is expected where the newest days that have
 * reached that age do not agree with the curve, or where nothing that old was seen.
 */
export function forecastArrival(
  { curve, rows }: { curve: ArrivalCurve; rows: readonly ArrivalRow[] },
  { dayMs: startMs, nowMs, byMs }: { dayMs: number; nowMs: number; byMs: number },
): ArrivalForecast {
  const cohort = rows.filter(({ anchorMs }) => anchorMs >= startMs && anchorMs < startMs + dayMs)
  const agreement = newestAgree(rows, { nowMs, ageMs: byMs - startMs })
  const { known = 0, expected } = expectedKnown(curve, cohort, { nowMs, byMs })
  return {
    day: new Date(startMs).toISOString().slice(0, 10),
    decisions: cohort.length,
    known,
    ...(agreement === 'agree' && expected !== undefined && { expected }),
    by: new Date(byMs).toISOString(),
    agreement,
  }
}

export function arrivalText({ day, decisions, known, expected, by, agreement }: ArrivalForecast): string {
  if (decisions === 0) return `there are no decisions of ${toDay(day)}`
  const now = `of the decisions of ${toDay(day)} ${toPercent(known)} are known`
  if (expected !== undefined) return `${now}, ${toPercent(expected)} expected by ${toDay(by.slice(0, 10))}`
  const reasons: Record<Agreement, string> = {
    agree: 'no decision is old enough to tell the rest',
    differ: 'labels of the newest days come otherwise than before, so nothing is foretold',
    too_few_days: 'too few days are old enough to tell the rest',
  }
  return `${now}; ${reasons[agreement]}`
}

function toDay(day: string): string {
  const weekday = new Date(`${day}T00:00:00Z`).toLocaleDateString('en', { weekday: 'long', timeZone: 'UTC' })
  return `${weekday}, ${day}`
}

/** Rounded down, so that 100 % says that nothing is missing. */
function toPercent(share: number): string {
  return `${Math.floor(share * 100 + 1e-9)} %`
}
