import { studentQuantile } from '../metrics/distributions/student.ts'
import { confidenceLevel, type Estimate } from '../metrics/estimate.ts'
import { fromSpread, scales } from '../metrics/interval.ts'
import { clusteredRows, toClusters } from '../metrics/dependence.ts'
import { spreadOf } from '../metrics/variance.ts'
import { groupBy } from '../outcomes/group-by.ts'

const dayMs = 86_400_000

/** A decision, when its first label became visible, and what that said. What has not come is censored, not absent. */
export type ArrivalRow = {
  anchorMs: number
  visibleAtMs?: number | undefined
  outcome?: string | number | undefined
}

/** The share of decisions whose label is there by an age, and by what it says; the last sum up to the first. */
export type ArrivalPoint = { ageMs: number; known: Estimate; byOutcome: Record<string, number> }

export type ArrivalCurve = {
  /** The share known by the age; undefined beyond the largest age seen, unless all were known by then. */
  shareAt(ageMs: number): number | undefined
  /** The same with its interval, and by outcome. */
  at(ageMs: number): ArrivalPoint | undefined
  decisions: number
  labelled: number
  /** The age of the oldest decision that waits or the latest label, whichever is later: nothing is known beyond it. */
  untilMs: number
}

type Observed = { ageMs: number; event: boolean; outcome: string; day: string }

/** The steps of Kaplan and Meier's estimate: at each age with a label, what holds from it on. */
type Steps = {
  ages: number[]
  surviving: number[]
  /** Σ d / Y², Y being at risk. */
  hazardPerRow: number[]
  atRisk: number[]
  incidence: Record<string, number>[]
}

/**
 * Labels' arrival from the anchor to the first visible one by Kaplan and Meier, with those of each outcome by Aalen and Johansen. A
 * label that was visible before the anchor has the age 0. The interval is on the logarithm of what is not known yet, clustered by the UTC
 * day of the anchor: what delays one label of a day delays others.
 */
export function arrivalCurve(rows: readonly ArrivalRow[], nowMs: number): ArrivalCurve {
  const observed = rows.filter(({ anchorMs }) => anchorMs <= nowMs).map((row) => toObserved(row, nowMs))
  const sorted = observed.toSorted((a, b) => a.ageMs - b.ageMs)
  const steps = toSteps(sorted)
  const days = toClusters(sorted.map(({ day }) => day))
  const dependence = clusteredRows({ entities: [], days, n: sorted.length })
  const untilMs = sorted.at(-1)?.ageMs ?? 0
  return { shareAt, at, decisions: sorted.length, labelled: sorted.filter(({ event }) => event).length, untilMs }

  function shareAt(ageMs: number): number | undefined {
    if (sorted.length === 0) return undefined
    const surviving = steps.surviving[lastAtMost(steps.ages, ageMs)] ?? 1
    return ageMs > untilMs && surviving > 0 ? undefined : 1 - surviving
  }

  function at(ageMs: number): ArrivalPoint | undefined {
    const value = shareAt(ageMs)
    if (value === undefined) return undefined
    const step = lastAtMost(steps.ages, ageMs)
    const spread = value === 1 || value === 0 ? undefined : spreadOf(influenceAt(sorted, steps, step), dependence)
    const known: Estimate =
      spread === undefined
        ? { value, n: sorted.length, method: value === 0 || value === 1 ? 'too_near_the_limit' : 'too_few_clusters' }
        : fromSpread({ value, n: sorted.length }, spread, { dependence, scale: scales.logOfRest, range: { least: 0, most: 1 } })
    return { ageMs, known, byOutcome: step < 0 ? {} : steps.incidence[step]! }
  }
}

/** The share of a cohort that is known, and that is expected to be at a later time: what waits now comes as the curve does beyond its age. */
export function expectedKnown(curve: ArrivalCurve, cohort: readonly ArrivalRow[], { nowMs, byMs }: { nowMs: number; byMs: number }) {
  const known = cohort.filter(({ visibleAtMs }) => visibleAtMs !== undefined && visibleAtMs <= nowMs).length
  let expected = known
  for (const { anchorMs, visibleAtMs } of cohort) {
    if (visibleAtMs !== undefined && visibleAtMs <= nowMs) continue
    const before = curve.shareAt(Math.max(0, nowMs - anchorMs))
    const after = curve.shareAt(Math.max(0, byMs - anchorMs))
    if (before === undefined || after === undefined) return { known: known / cohort.length }
    if (before < 1) expected += (after - before) / (1 - before)
  }
  return cohort.length === 0 ? {} : { known: known / cohort.length, expected: expected / cohort.length }
}

/** How many of the newest days are held against those before, and the fewest of those. */
const newestDays = 3
const fewestDays = 5
/** Differences up to this are no reason to withhold the curve. */
const leastDifference = 0.02

export type Agreement = 'agree' | 'differ' | 'too_few_days'

/** Whether as much was known at an age of the newest days that are that old as of the days before: else the curve is of other times. */
export function newestAgree(rows: readonly ArrivalRow[], { nowMs, ageMs }: { nowMs: number; ageMs: number }): Agreement {
  const matured = rows.filter(({ anchorMs }) => Math.floor(anchorMs / dayMs) * dayMs + dayMs + ageMs <= nowMs)
  const shares = [...groupBy(matured, ({ anchorMs }) => Math.floor(anchorMs / dayMs))]
    .toSorted(([a], [b]) => a - b)
    .map(([, of]) => of.filter(({ anchorMs, visibleAtMs = Infinity }) => visibleAtMs - anchorMs <= ageMs).length / of.length)
  const before = shares.slice(0, -newestDays)
  if (before.length < fewestDays) return 'too_few_days'
  const mean = meanOf(before)
  const deviation = Math.sqrt(before.reduce((sum, share) => sum + (share - mean) ** 2, 0) / (before.length - 1))
  const critical = studentQuantile((1 + confidenceLevel) / 2, before.length - 1)
  const most = Math.max(leastDifference, critical * deviation * Math.sqrt(1 / newestDays + 1 / before.length))
  return Math.abs(meanOf(shares.slice(-newestDays)) - mean) <= most ? 'agree' : 'differ'
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function toObserved({ anchorMs, visibleAtMs, outcome }: ArrivalRow, nowMs: number): Observed {
  const event = visibleAtMs !== undefined && visibleAtMs <= nowMs
  const day = new Date(anchorMs).toISOString().slice(0, 10)
  return { ageMs: Math.max(0, (event ? visibleAtMs : nowMs) - anchorMs), event, outcome: String(outcome ?? 'unknown'), day }
}

/** Of equal ages labels come before what still waits. */
function toSteps(sorted: readonly Observed[]): Steps {
  const steps: Steps = { ages: [], surviving: [], hazardPerRow: [], atRisk: [], incidence: [] }
  let [surviving, hazardPerRow, start] = [1, 0, 0]
  let incidence: Record<string, number> = {}
  while (start < sorted.length) {
    const { ageMs } = sorted[start]!
    let end = start
    while (end < sorted.length && sorted[end]!.ageMs === ageMs) end++
    const events = sorted.slice(start, end).filter(({ event }) => event)
    const atRisk = sorted.length - start
    if (events.length > 0) {
      incidence = { ...incidence }
      for (const { outcome } of events) incidence[outcome] = (incidence[outcome] ?? 0) + surviving / atRisk
      surviving = events.length === atRisk ? 0 : surviving * (1 - events.length / atRisk)
      hazardPerRow += events.length / atRisk ** 2
      steps.ages.push(ageMs)
      steps.surviving.push(surviving)
      steps.hazardPerRow.push(hazardPerRow)
      steps.atRisk.push(atRisk)
      steps.incidence.push(incidence)
    }
    start = end
  }
  return steps
}

/** Each decision's influence on the share known: S (1 [label by the age] / Y - Σ d / Y² while it waited), as of Greenwood's variance. */
function influenceAt(sorted: readonly Observed[], steps: Steps, step: number): Float64Array {
  const surviving = steps.surviving[step]!
  const influence = new Float64Array(sorted.length)
  let own = -1
  for (const [row, { ageMs, event }] of sorted.entries()) {
    while (own < step && steps.ages[own + 1]! <= ageMs) own += 1
    const martingale = own < 0 ? 0 : steps.hazardPerRow[own]!
    const arrived = event && ageMs <= steps.ages[step]! ? 1 / steps.atRisk[own]! : 0
    influence[row] = surviving * (arrived - martingale)
  }
  return influence
}

function lastAtMost(sorted: readonly number[], value: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! <= value) low = middle + 1
    else high = middle
  }
  return low - 1
}
