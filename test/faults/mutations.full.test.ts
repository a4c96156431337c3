import { describe, expect, test } from 'vitest'
import type { Fault } from './fault.ts'
import { invariants, type Invariant } from './invariants/violation.ts'
import type { FaultResult } from './result.ts'
import { allFaults } from './rows/all.ts'
import { runFault } from './run-fault.ts'
import { whyNoServers } from './system/servers.ts'
import type { ServiceId, SetUp } from './system/spec.ts'

const { runIf } = describe
const describeWithServers = runIf(whyNoServers() === undefined || process.env['REQUIRE_SERVICES'] === '1')

describe('the harness finds what is broken on purpose', () => {
  test('confirmed before it is inserted: a logger killed in between loses records', async () => {
    const result = await runBroken('logger.before_insert', 'embedded', { logger: 'logger-confirms-first.ts' })
    expectViolated(result, 1)
  })

  test('no FINAL: what is delivered twice is seen twice', async () => {
    // A batch that a logger dies with may hold nothing but seals.
    const result = await runBroken('logger.after_insert', 'embedded', { logger: 'logger-without-final.ts' }, 3)
    expectViolated(result, 2)
  })

  test('a lane without seals: nothing vouches for its records', async () => {
    const result = await runBroken('gateway-kill', 'embedded', { logger: 'logger-drops-seals.ts' })
    expectViolated(result, 4)
  })
})

describeWithServers('the harness finds, with servers, what is broken on purpose', () => {
  test("freed on the broker's ack: what the broker loses is lost", async () => {
    const result = await runBroken('nats-stream-deleted', 'servers', { forwarder: 'forwarder-frees-on-ack.ts' })
    expectViolated(result, 1)
  })
})

/** Rounds of a fault of the table, in a system of which one service is replaced. */
function runBroken(name: string, setUp: SetUp, broken: Partial<Record<ServiceId, string>>, rounds = 1): Promise<FaultResult> {
  const fault = allFaults.find((one) => one.name === name)
  if (fault === undefined) throw new Error(`there is no fault ${name}`)
  const entries = Object.fromEntries(Object.entries(broken).map(([service, file]) => [service, `test/faults/broken/${file}`]))
  return runFault({
    fault: withEntries(fault, entries),
    setUp,
    seed: 1,
    rounds,
    budgetMs: 10_000,
    lossPatienceMs: 2_000,
    keepFiles: false,
  })
}

function withEntries(fault: Fault, entries: Partial<Record<ServiceId, string>>): Fault {
  return { ...fault, system: { ...fault.system, entries } }
}

function expectViolated({ broken, violations }: FaultResult, invariant: Invariant): void {
  const found = violations.map((violation) => `${violation.invariant}: ${violation.detail}`)
  expect(found, `${invariants[invariant]}; ${broken ?? ''}`).toContainEqual(expect.stringMatching(`^${invariant}:`))
}
