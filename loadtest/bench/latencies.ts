import { showSpread, type Spread, spreadOf } from '../logger/statistics.ts'
import { type Goal, nameOf, type RatesResult, showVerdict } from './result.ts'
import type { VariantName } from './variants.ts'

/** The latencies of one round under one load, in milliseconds. */
export type LatencyRound = Record<'of' | 'to', { p50Ms: number; p99Ms: number; failed: number }>

/** Two servers under the same load, of which one figure is compared. */
export type LatencyComparison = {
  title: string
  of: VariantName
  to: VariantName
  figure: 'p50Ms' | 'p99Ms'
  by: 'ratio' | 'difference'
  goal: Goal
  /** The open loop's rate as a share of the closed loop's rate of one server; or one client that asks again and again. */
  load: { share: number; server: VariantName } | 'one client'
}

export const latencyComparisons = {
  half: {
    title: 'open loop at half of what (d) does: p99 of (d) to (b)',
    of: 'durable',
    to: 'committed-echo',
    figure: 'p99Ms',
    by: 'ratio',
    goal: { most: 2 },
    load: { share: 1 / 2, server: 'durable' },
  },
  shadow: {
    title: 'open loop at a quarter of what (g) does: p99 of (g) to (d)',
    of: 'shadowed',
    to: 'durable',
    figure: 'p99Ms',
    by: 'ratio',
    goal: { most: 1.5 },
    load: { share: 1 / 4, server: 'shadowed' },
  },
  alone: {
    title: 'one client, one request at a time: p50 of (d) less that of (b)',
    of: 'durable',
    to: 'committed-echo',
    figure: 'p50Ms',
    by: 'difference',
    goal: { most: 0.7 },
    load: 'one client',
  },
} as const satisfies Record<string, LatencyComparison>

export type LatencyResult = LatencyComparison & {
  setup: string
  /** The requests per second of the open loop; undefined with one client. */
  perSecond: number | undefined
  /** The figure of both servers in milliseconds; `compared` is their ratio or difference within a round. */
  figures: Record<'of' | 'to', Spread>
  compared: Spread
  failed: Record<'of' | 'to', number>
}

/** The rate of the open loop in requests per second; undefined where one client asks. */
export function rateOf({ load }: LatencyComparison, { servers }: RatesResult, setup: string): number | undefined {
  if (load === 'one client') return undefined
  const median = servers[nameOf({ variant: load.server, setup })]?.requestsPerSecond.median ?? Number.NaN
  return Math.round(median * load.share)
}

export function summariseLatencies(
  comparison: LatencyComparison,
  { setup, perSecond, rounds }: { setup: string; perSecond: number | undefined; rounds: readonly LatencyRound[] },
): LatencyResult {
  const { figure, by } = comparison
  const compare = ({ of, to }: LatencyRound) => (by === 'ratio' ? of[figure] / to[figure] : of[figure] - to[figure])
  const sum = (side: 'of' | 'to') => rounds.reduce((total, round) => total + round[side].failed, 0)
  return {
    ...comparison,
    setup,
    perSecond,
    figures: { of: spreadOf(rounds.map(({ of }) => of[figure])), to: spreadOf(rounds.map(({ to }) => to[figure])) },
    compared: spreadOf(rounds.map(compare)),
    failed: { of: sum('of'), to: sum('to') },
  }
}

export function toLatencyText({ title, setup, perSecond, figures, compared, by, goal, failed }: LatencyResult): string {
  const where = [perSecond === undefined ? '' : `${perSecond}/s`, setup].filter(Boolean).join(', ')
  const both = `${showSpread(figures.of, 2)} and ${showSpread(figures.to, 2)} ms`
  const unit = by === 'ratio' ? '' : ' ms'
  const failures = `${failed.of} and ${failed.to} failed or refused`
  return `${title}${where === '' ? '' : ` (${where})`}\n  ${both}: ${showSpread(compared, 2)}${unit}${showVerdict(compared.median, goal)}; ${failures}`
}
