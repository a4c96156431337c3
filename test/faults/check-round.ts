import { setTimeout as wait } from 'node:timers/promises'
import type { HttpClient } from './client/http-client.ts'
import type { Ledger } from './client/ledger.ts'
import { checkEvents, checkLabels } from './invariants/items.ts'
import { checkOnlineStore } from './invariants/online-store.ts'
import { checkPoison } from './invariants/poison.ts'
import { checkPredictions } from './invariants/predictions.ts'
import { readRejects } from './invariants/rejects.ts'
import { checkSeals, oldestOpenEpoch } from './invariants/seals.ts'
import type { Violation } from './invariants/violation.ts'
import { settle } from './system/settle.ts'
import type { FaultSystem } from './system/system.ts'

export type Checked = { violations: Violation[]; stored: number; rejected: number }

const lookEveryMs = 250

/** Waits until nothing is pending, then holds what the warehouse has against what the client did. */
export async function checkRound(options: {
  system: FaultSystem
  client: HttpClient
  ledger: Ledger
  fromEpoch: number
  settleMs: number
  /** Whether the fault ended the gateway or its clients' connections. */
  cut: boolean
  /** How long a loss at the first look may turn out to be a delay: a real one stays. An answer whose fate is not known yet will be in a moment. */
  lossPatienceMs: number
}): Promise<Checked> {
  const { system, client, ledger, settleMs } = options
  const left = await settle(system, { deadlineMs: settleMs })
  const pending = left.map((what): Violation => ({ invariant: 7, id: ledger.prefix, detail: `still pending: ${what}` }))
  const giveUpAt = performance.now() + options.lossPatienceMs
  for (;;) {
    const checked = await lookOnce(options)
    const online = checked.violations.length > 0 ? [] : await checkOnlineStore(system.warehouse, client, ledger.prefix)
    const violations = [...pending, ...checked.violations, ...online]
    const mayPass = violations.every(
      ({ invariant, id }) => invariant === 1 || invariant === 4 || invariant === 8 || id.startsWith('probe-'),
    )
    if (violations.length === 0 || !mayPass || performance.now() > giveUpAt) return { ...checked, violations }
    await wait(lookEveryMs)
  }
}

type Look = { system: FaultSystem; ledger: Ledger; fromEpoch: number; cut: boolean }

async function lookOnce({ system, ledger, fromEpoch, cut }: Look): Promise<Checked> {
  const { warehouse } = system
  const rejects = await readRejects(warehouse)
  const lanes = [
    await checkPredictions(warehouse, ledger, { rejects, cut }),
    await checkLabels(warehouse, ledger, rejects),
    await checkEvents(warehouse, ledger, rejects),
  ]
  const seals = await checkSeals(warehouse, { fromEpoch, closed: false })
  return {
    violations: [...lanes.flatMap(({ violations }) => violations), ...checkPoison(ledger, rejects), ...seals],
    stored: lanes.reduce((sum, { stored }) => sum + stored, 0),
    rejected: lanes.reduce((sum, { rejected }) => sum + rejected, 0),
  }
}

/** The newest epochs that a check of the next round begins with: those before have been checked whole. */
export async function nextEpochToCheck(system: FaultSystem): Promise<number> {
  return oldestOpenEpoch(system.warehouse)
}
