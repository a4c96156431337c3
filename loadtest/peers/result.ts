import type { ClosedLoopResult } from '../bench/wrk.ts'
import { showSpread, type Spread, spreadOf } from '../logger/statistics.ts'
import type { PeerName } from './servers.ts'
import type { Versions } from './versions.ts'

export type Subject = 'hindsight' | 'hindsight-v2' | PeerName
export type PeerRound = Record<Subject, ClosedLoopResult>

export type PeersResult = {
  versions: Versions
  rounds: number
  seconds: number
  clients: number
  subjects: Record<Subject, { requestsPerSecond: Spread; p50Ms: Spread; p99Ms: Spread; failed: number }>
  /** The ratios of rates within one round. */
  ratios: Record<keyof typeof comparisons, Spread>
}

/** What each subject does with a request. */
const titles: Record<Subject, string> = {
  hindsight: 'Hindsight: features from Redis, durable logging',
  'hindsight-v2': 'Hindsight, V2: features as sent, durable logging',
  fastapi: 'FastAPI: features from Redis, no log',
  bentoml: 'BentoML: features from Redis, no log',
  mlserver: 'MLServer, V2: features as sent, no log',
}

/** The rates that are compared, and the least that their ratio is to be. */
const comparisons = {
  hindsightToFastapi: { of: 'hindsight', to: 'fastapi', least: 3 },
  hindsightToBentoml: { of: 'hindsight', to: 'bentoml', least: 8 },
  hindsightToMlserver: { of: 'hindsight', to: 'mlserver', least: 3 },
  hindsightV2ToMlserver: { of: 'hindsight-v2', to: 'mlserver', least: 3 },
} as const satisfies Record<string, { of: Subject; to: Subject; least: number }>

export const subjects = Object.keys(titles) as Subject[]
const ratioNames = Object.keys(comparisons) as (keyof typeof comparisons)[]

export function summarisePeers(rounds: readonly PeerRound[]): Pick<PeersResult, 'subjects' | 'ratios'> {
  const toSummary = (name: Subject) => {
    const spread = (pick: (result: ClosedLoopResult) => number) => spreadOf(rounds.map((round) => pick(round[name])))
    return {
      requestsPerSecond: spread(rateOf),
      p50Ms: spread(({ p50Ms }) => p50Ms),
      p99Ms: spread(({ p99Ms }) => p99Ms),
      failed: rounds.reduce((sum, round) => sum + round[name].failed, 0),
    }
  }
  const toRatio = (name: keyof typeof comparisons) => {
    const { of, to } = comparisons[name]
    return spreadOf(rounds.map((round) => rateOf(round[of]) / rateOf(round[to])))
  }
  return {
    subjects: Object.fromEntries(subjects.map((name) => [name, toSummary(name)])) as PeersResult['subjects'],
    ratios: Object.fromEntries(ratioNames.map((name) => [name, toRatio(name)])) as PeersResult['ratios'],
  }
}

const rateOf = ({ requestsPerSecond }: ClosedLoopResult) => requestsPerSecond

export function toPeersText(result: PeersResult): string {
  const { versions, rounds, seconds, clients } = result
  return [
    `Node ${versions.node}, ${versions.python}, ${versions.cpu}; one core for each server, ${clients} clients on the others`,
    `${rounds} rounds of ${seconds} s, interleaved; median [least, most]`,
    ...subjects.map((name) => toRow(name, result.subjects[name])),
    ...ratioNames.map((name) => {
      const { of, to, least } = comparisons[name]
      const ratio = result.ratios[name]
      return `${`${of} to ${to}`.padEnd(50)} ${showSpread(ratio, 2)}   ${ratio.median >= least ? 'reached' : 'MISSED'}: at least ${least}`
    }),
  ].join('\n')
}

function toRow(name: Subject, { requestsPerSecond, p50Ms, p99Ms, failed }: PeersResult['subjects'][Subject]): string {
  const failures = failed === 0 ? '' : `, ${failed} FAILED`
  return `${titles[name].padEnd(50)} ${showSpread(requestsPerSecond, 0)}/s, p50 ${p50Ms.median.toFixed(1)} ms, p99 ${p99Ms.median.toFixed(1)} ms${failures}`
}
