import { showSpread, type Spread, spreadOf } from '../logger/statistics.ts'
import { anchorTime, featureCounts, shopName } from './shapes-project.ts'

/** A request for so many features of each of so many entities. */
export type Shape = { server: 'hindsight' | 'feast'; features: (typeof featureCounts)[number]; rows: number }
/** Latencies in an open loop from when each request was due, in milliseconds; `failed` was not answered whole. */
export type ShapeRound = { perSecond: number; p50Ms: number; p99Ms: number; failed: number; sent: number }
export type ShapeSummary = { perSecond: number; p50Ms: Spread; p99Ms: Spread; failed: number; sent: number }

const rowCounts = [1, 100] as const
const bodies = 50

/** The requests that the gateway is sent, from the smallest to the largest. */
export const hindsightShapes: Shape[] = rowCounts.flatMap((rows) =>
  featureCounts.map((features) => ({ server: 'hindsight', features, rows })),
)
/** The requests that Feast is sent: it reads fifty features as they are, and predicts nothing. */
export const feastShapes: Shape[] = rowCounts.map((rows) => ({ server: 'feast', features: 50, rows }))

export function nameShape({ server, features, rows }: Shape): string {
  return `${server}, ${features} features, ${rows} ${rows === 1 ? 'row' : 'rows'}`
}

/** The bodies of a shape's requests, each for other entities. */
export function toBodies({ server, features, rows }: Shape, feastFeatures: readonly string[]): string[] {
  return Array.from({ length: bodies }, (_, index) => {
    const names = Array.from({ length: rows }, (_row, place) => shopName(index * rows + place))
    if (server === 'feast') return JSON.stringify({ features: feastFeatures.slice(0, features), entities: { shop: names } })
    const instances = names.map((shop) => ({ entities: { shop }, anchor_time: anchorTime }))
    return JSON.stringify({ ...(rows === 1 ? instances[0] : { instances }), options: { timeout_ms: 5000 } })
  })
}

/** The rate of an open loop: what is asked for, or the most that the server keeps up with, whose queue would only grow. */
export function toRate(capacityPerSecond: number, askedPerSecond: number): number {
  return Math.min(askedPerSecond, Math.max(1, Math.floor(capacityPerSecond * 0.7)))
}

export function summariseShape(rounds: readonly ShapeRound[]): ShapeSummary {
  const sum = (what: 'failed' | 'sent') => rounds.reduce((total, round) => total + round[what], 0)
  return {
    perSecond: rounds[0]?.perSecond ?? Number.NaN,
    p50Ms: spreadOf(rounds.map(({ p50Ms }) => p50Ms)),
    p99Ms: spreadOf(rounds.map(({ p99Ms }) => p99Ms)),
    failed: sum('failed'),
    sent: sum('sent'),
  }
}

/** How many times the gateway's p99 Feast's is to be at least, though the gateway also predicts and logs. */
const leastTimes = 3

export function toShapeText(shape: Shape, { perSecond, p50Ms, p99Ms, failed, sent }: ShapeSummary): string {
  return `${nameShape(shape).padEnd(36)} ${perSecond}/s: p50 ${showSpread(p50Ms, 1)} ms, p99 ${showSpread(p99Ms, 1)} ms; ${failed} of ${sent} failed`
}

/** How many times longer Feast takes for the same rows of fifty features, within each round; at a lower rate where it cannot keep up. */
export function compareWithFeast(rounds: readonly Record<string, ShapeRound>[]): { rows: number; times: Spread; text: string }[] {
  return feastShapes.map((feast) => {
    const p99Of = (round: Record<string, ShapeRound>, shape: Shape) => round[nameShape(shape)]?.p99Ms ?? Number.NaN
    const times = spreadOf(rounds.map((round) => p99Of(round, feast) / p99Of(round, { ...feast, server: 'hindsight' })))
    const verdict = times.median >= leastTimes ? 'reached' : 'MISSED'
    const text = `p99 of feast to hindsight, ${feast.rows} ${feast.rows === 1 ? 'row' : 'rows'}`
    return { rows: feast.rows, times, text: `${text.padEnd(36)} ${showSpread(times, 1)}   ${verdict}: at least ${leastTimes}` }
  })
}
