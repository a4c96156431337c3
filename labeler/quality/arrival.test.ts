import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { studentQuantile } from '../metrics/distributions/student.ts'
import { arrivalCurve, type ArrivalRow, newestAgree } from './arrival.ts'
import { arrivalText, forecastArrival } from './arrival-text.ts'

type Case = {
  name: string
  now: number
  rows: { anchorMs: number; visibleAtMs: number | null; outcome: number }[]
  points: { age: number; known: number; by_outcome: Record<string, number>; se: number }[]
}

// lifelines' and SciPy's curves; incidence and standard errors by testing/reference.py, which names the versions.
const { arrival } = JSON.parse(readFileSync(new URL('testing/reference.json', import.meta.url), 'utf8')) as { arrival: Case[] }

test.each(arrival)('equals the reference: $name', ({ now, rows, points }) => {
  const curve = arrivalCurve(
    rows.map((row) => ({ ...row, visibleAtMs: row.visibleAtMs ?? undefined })),
    now,
  )
  for (const { age, known, by_outcome: byOutcome, se } of points) {
    const point = curve.at(age)!
    expect(point.known.value).toBeCloseTo(known, 12)
    expect(Object.keys(point.byOutcome).toSorted()).toEqual(Object.keys(byOutcome).toSorted())
    for (const [outcome, share] of Object.entries(byOutcome)) expect(point.byOutcome[outcome]).toBeCloseTo(share, 12)
    if (point.known.upper === undefined) continue
    // The interval is on -ln(1 - known), where the standard error is divided by 1 - known.
    const half = (studentQuantile(0.975, point.known.clusters! - 1) * se) / (1 - known)
    expect(point.known.upper).toBeCloseTo(1 - (1 - known) * Math.exp(-half), 9)
    expect(point.known.lower).toBeCloseTo(Math.max(0, 1 - (1 - known) * Math.exp(half)), 9)
  }
  expect(points.some(({ age }) => curve.at(age)!.known.method === 'log')).toBe(true)
})

const hour = 3_600_000
const day = 24 * hour
/** A Monday. */
const start = Date.UTC(2026, 0, 5)

/** Ten decisions an hour, of which `share` are known after a day and the others after three. */
function decisions(days: number, share: (dayNumber: number) => number = () => 0.8): ArrivalRow[] {
  return Array.from({ length: days * 240 }, (_, index) => {
    const anchorMs = start + Math.floor(index / 10) * hour
    const soon = (index * 7) % 10 < share(Math.floor(index / 240)) * 10
    return { anchorMs, visibleAtMs: anchorMs + (soon ? day : 3 * day), outcome: soon ? 0 : 1 }
  })
}

describe('the arrival curve', () => {
  test('takes a negative delay as 0, and keeps what has not come as waiting', () => {
    const curve = arrivalCurve([{ anchorMs: start, visibleAtMs: start - day }, { anchorMs: start }], start + day)
    expect(curve.shareAt(0)).toBe(0.5)
    expect(curve.shareAt(day)).toBe(0.5)
    expect(curve.shareAt(2 * day)).toBeUndefined()
    expect(curve).toMatchObject({ decisions: 2, labelled: 1 })
  })

  test('does not know what becomes visible later, nor decisions to come', () => {
    const rows = decisions(10)
    const curve = arrivalCurve(rows, start + 5 * day)
    expect(curve.decisions).toBe(5 * 240 + 10)
    expect(curve.shareAt(day)).toBeCloseTo(0.8, 12)
    expect(curve.at(day)!.byOutcome).toEqual({ 0: expect.closeTo(0.8, 12) })
    expect(curve.shareAt(3 * day)).toBe(1)
  })

  test('is undefined without decisions', () => {
    expect(arrivalCurve([], start).at(0)).toBeUndefined()
  })

  test('has no interval where all come from one day', () => {
    const { known } = arrivalCurve(decisions(1), start + 2 * day).at(day)!
    expect(known).toMatchObject({ value: expect.closeTo(0.8, 12), scope: 'these_days' })
  })
})

describe('a forecast', () => {
  const forecast = (rows: ArrivalRow[], nowDays: number) => {
    const nowMs = start + nowDays * day
    const byMs = nowMs + 2 * day
    return forecastArrival({ curve: arrivalCurve(rows, nowMs), rows }, { dayMs: nowMs - 2 * day, nowMs, byMs })
  }

  test('says how much of a day is known and how much will be', () => {
    const told = forecast(decisions(30), 21)
    expect(told).toMatchObject({ decisions: 240, known: expect.closeTo(0.8, 12), expected: expect.closeTo(1, 12), agreement: 'agree' })
    expect(arrivalText(told)).toBe('of the decisions of Saturday, 2026-01-24 80 % are known, 100 % expected by Wednesday, 2026-01-28')
  })

  test('is withheld where the newest days differ', () => {
    const slower = decisions(30, (number) => (number < 14 ? 0.8 : 0.3))
    expect(newestAgree(slower, { nowMs: start + 21 * day, ageMs: day })).toBe('differ')
    const told = { ...forecast(slower, 21), agreement: 'differ' as const }
    expect(arrivalText({ ...told, expected: undefined as never })).toContain('nothing is foretold')
  })

  test('is withheld while too few days are old enough', () => {
    const told = forecast(decisions(30), 8)
    expect(told).toMatchObject({ agreement: 'too_few_days' })
    expect(told).not.toHaveProperty('expected')
    expect(arrivalText(told)).toMatch(/^of the decisions of Sunday, 2026-01-11 80 % are known; too few days/)
  })
})
