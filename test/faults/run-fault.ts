import { nextEpochToCheck } from './check-round.ts'
import { createHttpClient } from './client/http-client.ts'
import { countAttempts, countRefusals, latenciesOf } from './client/ledger.ts'
import type { Fault } from './fault.ts'
import type { Violation } from './invariants/violation.ts'
import { createWholeRun } from './invariants/whole-run.ts'
import { emptyResult, type FaultResult } from './result.ts'
import { type Round, runRound } from './run-round.ts'
import { settle } from './system/settle.ts'
import type { SetUp } from './system/spec.ts'
import { type FaultSystem, startFaultSystem } from './system/system.ts'

export type FaultRun = {
  fault: Fault
  setUp: SetUp
  seed: number
  rounds: number
  /** The latency budget of the model that the load asks, for invariant 6. */
  budgetMs: number
  /** How long what seems lost may take to turn up after nothing is pending any more. Default 10,000. */
  lossPatienceMs?: number
  /** Whether what a broken system wrote stays there to be looked at. Default true. */
  keepFiles?: boolean
  onRound?: (round: { number: number; of: number; ms: number; violations: readonly Violation[] }) => void
}

/** How long the client waits: longer than a gateway that works ever takes. An answer that comes later counts as none. */
const clientTimeoutMs = 20_000
/** The longest wait for what is to be answered however busy the machine is. */
const proberTimeoutMs = 60_000
const endSettleMs = 60_000
/** The number of broken rounds after which a fault is given up: they show what is wrong. */
const enoughBrokenRounds = 3

/** Runs many rounds on one system. Never throws: what keeps the fault from being run stands in the result. */
export async function runFault(run: FaultRun): Promise<FaultResult> {
  const { fault, setUp, seed } = run
  const result = emptyResult({ fault: fault.name, does: fault.does, set_up: setUp, seed })
  const startedAt = performance.now()
  let system: FaultSystem | undefined
  try {
    system = await startFaultSystem(setUp, fault.system ?? {})
    await runRounds(run, system, result)
  } catch (error) {
    result.broken = error instanceof Error ? error.message : String(error)
  }
  result.seconds = Math.round((performance.now() - startedAt) / 1000)
  if (system === undefined) return result
  result.deaths = Object.fromEntries(system.processes.flatMap((one) => (one.deaths() === 0 ? [] : [[one.name, one.deaths()]])))
  const failed = result.violations.length > 0 || result.broken !== undefined
  const keepFiles = failed && run.keepFiles !== false
  if (keepFiles) result.files = system.dir
  await system.close({ keepFiles })
  return result
}

async function runRounds(run: FaultRun, system: FaultSystem, result: FaultResult): Promise<void> {
  const client = createHttpClient({ port: system.gatewayPort, timeoutMs: clientTimeoutMs, maxConnections: 128, keepAlive: true })
  const prober = createHttpClient({ port: system.gatewayPort, timeoutMs: proberTimeoutMs, maxConnections: 16, keepAlive: false })
  const whole = createWholeRun()
  const latencies: number[] = []
  let fromEpoch = 0
  for (let number = 0; number <= run.rounds; number++) {
    const round = await runRound({
      ...run,
      fault: number === 0 ? withoutHarm(run.fault) : run.fault,
      system,
      client,
      prober,
      round: number,
      fromEpoch,
      lossPatienceMs: run.lossPatienceMs ?? 10_000,
    })
    whole.add(round.ledger)
    if (number > 0) latencies.push(...latenciesOf(round.ledger))
    addRound(result, number, round)
    run.onRound?.({ number, of: run.rounds, ms: round.ms, violations: round.violations })
    fromEpoch = await nextEpochToCheck(system)
    if (new Set(result.violations.map((violation) => violation.round)).size >= enoughBrokenRounds) break
  }
  addPercentile(run, result, latencies)
  client.close()
  prober.close()
  await endRun(system, result, whole)
}

/** The fault without its harm, for round 0: what is cold gets warm, and a system that nothing was done to is found sound. */
function withoutHarm(fault: Fault): Fault {
  return { ...fault, inject: ({ pause }) => pause(500) }
}

/** Ends a run: the gateway goes first and seals, and the seals must arrive like everything else. */
async function endRun(system: FaultSystem, result: FaultResult, whole: ReturnType<typeof createWholeRun>): Promise<void> {
  await system.service('gateway').drain(25_000)
  const left = await settle(system, { deadlineMs: endSettleMs, leaveEnded: 'gateway' })
  addViolations(
    result,
    'end',
    left.map((what) => ({ invariant: 7 as const, id: 'end', detail: `still pending: ${what}` })),
  )
  await system.drain()
  addViolations(result, 'end', await whole.check(system.warehouse))
}

function addRound(result: FaultResult, number: number, { ledger, stored, rejected, violations }: Round): void {
  const { attempted, answered } = countAttempts(ledger)
  result.rounds = number
  result.attempted += attempted
  result.answered += answered
  countRefusals(ledger, result.refused)
  result.stored += stored
  result.rejected += rejected
  addViolations(result, number, violations)
}

function addViolations(result: FaultResult, round: number | 'end', violations: readonly Violation[]): void {
  for (const violation of violations) {
    if (violation.invariant === 1) result.lost += 1
    else if (violation.invariant === 2) result.doubled += 1
    else if (violation.invariant === 3) result.altered += 1
    else result.other_violations += 1
    result.violations.push({ ...violation, round })
  }
}

/** Adds the p99 of answers; where all are to be answered, a prediction without an answer counts as one that is late. */
function addPercentile({ fault, budgetMs }: FaultRun, result: FaultResult, latencies: number[]): void {
  const answered = latencies.filter((latency) => latency < Infinity)
  const p99 = percentile99(answered)
  if (p99 !== undefined) result.p99_ms = Math.round(p99 * 10) / 10
  const ofAll = percentile99(latencies)
  if (fault.keepsAnswering !== true || ofAll === undefined || ofAll <= budgetMs) return
  const detail = `${answered.length} of ${latencies.length} predictions answered, p99 ${result.p99_ms} ms, the budget is ${budgetMs} ms`
  addViolations(result, 'end', [{ invariant: 6, id: fault.name, detail }])
}

function percentile99(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))]
}
