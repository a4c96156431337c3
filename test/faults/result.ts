import type { Violation } from './invariants/violation.ts'
import type { SetUp } from './system/spec.ts'

/** The result of one fault in one set-up. */
export type FaultResult = {
  fault: string
  does: string
  set_up: SetUp
  seed: number
  rounds: number
  /** Why the fault was not run, or not to its end. */
  skipped?: string
  broken?: string
  /** The folder with the logs and data of a system in which something was found. */
  files?: string
  attempted: number
  answered: number
  stored: number
  rejected: number
  lost: number
  doubled: number
  altered: number
  other_violations: number
  /** The latency of answered predictions, from the moment each was due. */
  p99_ms: number | null
  seconds: number
  /** How often each status, or error of a connection, came instead of an answer. */
  refused: Record<string, number>
  /** How often a service ended without being told to, by its name. */
  deaths: Record<string, number>
  violations: (Violation & { round: number | 'end' })[]
}

export type RunResult = {
  seed: number
  started_at: string
  node: string
  /** The version of the nats-server on the PATH; missing where there is none. */
  nats_server?: string
  /** The commit that was run; missing where the files are no repository. */
  commit?: string
  /** The bound that the p99 of answers was held to; null where there was none. */
  budget_ms: number | null
  results: FaultResult[]
}

export function isSound({ violations, broken }: FaultResult): boolean {
  return violations.length === 0 && broken === undefined
}

export function emptyResult(of: Pick<FaultResult, 'fault' | 'does' | 'set_up' | 'seed'>): FaultResult {
  const counts = { rounds: 0, attempted: 0, answered: 0, stored: 0, rejected: 0, lost: 0, doubled: 0, altered: 0, other_violations: 0 }
  return { ...of, ...counts, p99_ms: null, seconds: 0, refused: {}, deaths: {}, violations: [] }
}
