import { showSpread, type Spread, spreadOf } from '../logger/statistics.ts'
import type { ClosedLoopResult } from '../bench/wrk.ts'
import type { PeerName } from './servers.ts'

export type Subject = 'hindsight' | 'hindsight-v2' | PeerName
export type PeerRound = Record<Subject, ClosedLoopResult>

export type PeersResult = {
  node: string
  rounds: number
  seconds: number
  subjects: Record<Subject, { requestsPerSecond: Spread; p50Ms: Spread; p99Ms: Spread; failed: number }>
  /** Hindsight's rate over the peer's, within one round. */
  ratios: Record<PeerName, Spread>
}

/** What each subject does with a request. */
const titles: Record<Subject, string> = {
  hindsight: 'Hindsight: Redis features, durable logging',
  'hindsight-v2': 'Hindsight, V2 tensors: no features, durable logging',
  fastapi: 'FastAPI + onnxruntime + redis: no log',
  bentoml: 'BentoML + onnxruntime + redis: no log',
  mlserver: 'MLServer, V2 tensors: no features, no log',
}

/** The least that Hindsight's rate is to be of each peer's. */
const goals: Record<PeerName, number> = { fastapi: 3, bentoml: 4, mlserver: 5 }

const subjects = Object.keys(titles) as Subject[]
const peers = Object.keys(goals) as PeerName[]

export function summarisePeers(rounds: readonly PeerRound[]): Pick<PeersResult, 'subjects' | 'ratios'> {
  const of = (name: Subject, pick: (result: ClosedLoopResult) => number) => rounds.map((round) => pick(round[name]))
  const toSummary = (name: Subject) => ({
    requestsPerSecond: spreadOf(of(name, ({ requestsPerSecond }) => requestsPerSecond)),
    p50Ms: spreadOf(of(name, ({ p50Ms }) => p50Ms)),
    p99Ms: spreadOf(of(name, ({ p99Ms }) => p99Ms)),
    failed: of(name, ({ failed }) => failed).reduce((sum, count) => sum + count, 0),
  })
  const toRatio = (name: PeerName) => spreadOf(rounds.map((round) => round.hindsight.requestsPerSecond / round[name].requestsPerSecond))
  return {
    subjects: Object.fromEntries(subjects.map((name) => [name, toSummary(name)])) as PeersResult['subjects'],
    ratios: Object.fromEntries(peers.map((name) => [name, toRatio(name)])) as PeersResult['ratios'],
  }
}

export function toPeersText(result: PeersResult): string {
  return [
    `Node ${result.node}; ${result.rounds} rounds of ${result.seconds} s, interleaved, one core each; median [least, most]`,
    ...subjects.map((name) => {
      const { requestsPerSecond, p50Ms, p99Ms, failed } = result.subjects[name]
      const failures = failed === 0 ? '' : `, ${failed} failed`
      return `${titles[name].padEnd(54)} ${showSpread(requestsPerSecond, 0)}/s, p50 ${p50Ms.median.toFixed(1)} ms, p99 ${p99Ms.median.toFixed(1)} ms${failures}`
    }),
    ...peers.map((name) => {
      const ratio = result.ratios[name]
      return `${`hindsight to ${name}`.padEnd(54)} ${showSpread(ratio, 2)}   ${ratio.median >= goals[name] ? 'reached' : 'MISSED'}: at least ${goals[name]}`
    }),
  ].join('\n')
}
