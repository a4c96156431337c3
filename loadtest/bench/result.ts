import { showSpread, type Spread, spreadOf } from '../logger/statistics.ts'
import { type VariantName, variants } from './variants.ts'
import type { ClosedLoopResult } from './wrk.ts'

/** The results of one round: every server in turn, in the same minute. */
export type Round = Record<VariantName, ClosedLoopResult>
/** The latencies of one round at one rate, in milliseconds. */
export type OpenLoopRound = Record<'durable' | 'committedEcho' | 'shadowed', { p50Ms: number; p99Ms: number; failed: number }>

export type BenchResult = {
  node: string
  cores: number
  rounds: number
  seconds: number
  variants: Record<VariantName, { requestsPerSecond: Spread; p50Ms: Spread; p99Ms: Spread; failed: number }>
  /** The ratios of rates within one round. */
  ratios: Record<keyof typeof goals, Spread>
  openLoop?: {
    requestsPerSecond: number
    durableP99Ms: Spread
    committedEchoP99Ms: Spread
    ratio: Spread
    /** The latencies with a shadow on every request over those of the durable gateway without. */
    shadowedP50Ratio: Spread
    shadowedP99Ratio: Spread
    failed: number
  }
}

/** The rates that are compared, and the least that their ratio is to be. */
export const goals = {
  durableToNodeEcho: { of: 'durable', to: 'node-echo', least: 0.45 },
  durableToUnlogged: { of: 'durable', to: 'unlogged', least: 0.75 },
  inProcessToUnlogged: { of: 'in-process', to: 'unlogged', least: 0.9 },
} as const satisfies Record<string, { of: VariantName; to: VariantName; least: number }>

/** Most that the durable gateway's p99 may be of the committed echo's, both at half of the gateway's saturation. */
export const mostP99Ratio = 3

const names = Object.keys(variants) as VariantName[]

export function summarise(rounds: readonly Round[]): Pick<BenchResult, 'variants' | 'ratios'> {
  const of = (name: VariantName, pick: (result: ClosedLoopResult) => number) => rounds.map((round) => pick(round[name]))
  const rate = ({ requestsPerSecond }: ClosedLoopResult) => requestsPerSecond
  return {
    variants: mapTo(names, (name) => ({
      requestsPerSecond: spreadOf(of(name, rate)),
      p50Ms: spreadOf(of(name, ({ p50Ms }) => p50Ms)),
      p99Ms: spreadOf(of(name, ({ p99Ms }) => p99Ms)),
      failed: of(name, ({ failed }) => failed).reduce((sum, count) => sum + count, 0),
    })),
    ratios: mapTo(Object.keys(goals) as (keyof typeof goals)[], (name) => {
      const goal = goals[name]
      return spreadOf(rounds.map((round) => rate(round[goal.of]) / rate(round[goal.to])))
    }),
  }
}

export function summariseOpenLoop(requestsPerSecond: number, rounds: readonly OpenLoopRound[]): NonNullable<BenchResult['openLoop']> {
  return {
    requestsPerSecond,
    durableP99Ms: spreadOf(rounds.map(({ durable }) => durable.p99Ms)),
    committedEchoP99Ms: spreadOf(rounds.map(({ committedEcho }) => committedEcho.p99Ms)),
    ratio: spreadOf(rounds.map(({ durable, committedEcho }) => durable.p99Ms / committedEcho.p99Ms)),
    shadowedP50Ratio: spreadOf(rounds.map(({ shadowed, durable }) => shadowed.p50Ms / durable.p50Ms)),
    shadowedP99Ratio: spreadOf(rounds.map(({ shadowed, durable }) => shadowed.p99Ms / durable.p99Ms)),
    failed: rounds.reduce((sum, round) => sum + Object.values(round).reduce((own, { failed }) => own + failed, 0), 0),
  }
}

export function toText(result: BenchResult): string {
  const { openLoop } = result
  return [
    `Node ${result.node}, ${result.cores} cores; ${result.rounds} rounds of ${result.seconds} s, interleaved; median [least, most]`,
    ...names.map((name) => toRow(name, result.variants[name])),
    ...(Object.keys(goals) as (keyof typeof goals)[]).map((name) => {
      const { of, to, least } = goals[name]
      const ratio = result.ratios[name]
      return `${`${of} to ${to}`.padEnd(52)} ${showSpread(ratio, 2)}   ${ratio.median >= least ? 'reached' : 'MISSED'}: at least ${least}`
    }),
    ...(openLoop === undefined ? [] : [toOpenLoopRow(openLoop)]),
  ].join('\n')
}

function toRow(name: VariantName, { requestsPerSecond, p50Ms, p99Ms, failed }: BenchResult['variants'][VariantName]): string {
  const failures = failed === 0 ? '' : `, ${failed} failed`
  return `${variants[name].title.padEnd(52)} ${showSpread(requestsPerSecond, 0)}/s, p50 ${p50Ms.median.toFixed(1)} ms, p99 ${p99Ms.median.toFixed(1)} ms${failures}`
}

function toOpenLoopRow({
  requestsPerSecond,
  durableP99Ms,
  committedEchoP99Ms,
  ratio,
  shadowedP50Ratio,
  shadowedP99Ratio,
  failed,
}: NonNullable<BenchResult['openLoop']>): string {
  const verdict = ratio.median <= mostP99Ratio ? 'reached' : 'MISSED'
  const parts = `p99 (d) ${showSpread(durableP99Ms, 1)} ms, (b) ${showSpread(committedEchoP99Ms, 1)} ms, ${failed} failed`
  const shadows = `with a shadow, of (d): p50 ${showSpread(shadowedP50Ratio, 2)}, p99 ${showSpread(shadowedP99Ratio, 2)}`
  return `open loop at ${requestsPerSecond}/s: ${parts}; ratio ${showSpread(ratio, 2)}   ${verdict}: at most ${mostP99Ratio}\n${shadows}`
}

function mapTo<Name extends string, To>(keys: readonly Name[], to: (name: Name) => To): Record<Name, To> {
  return Object.fromEntries(keys.map((key) => [key, to(key)])) as Record<Name, To>
}
