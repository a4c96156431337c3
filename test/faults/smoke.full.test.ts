import { describe, expect, test } from 'vitest'
import type { Fault } from './fault.ts'
import { allFaults } from './rows/all.ts'
import { runFault } from './run-fault.ts'
import { whyNoServers } from './system/servers.ts'
import type { SetUp } from './system/spec.ts'

const { runIf } = describe
const describeWithServers = runIf(whyNoServers() === undefined || process.env['REQUIRE_SERVICES'] === '1')

// `npm run faults` holds answers to the model's own budget; here they share the machine with whatever else runs on it.
const budgetMs = 10_000

describe('one system, one fault after the other: nothing lost, nothing twice, nothing altered', () => {
  test('embedded', async () => {
    await expectSound('embedded', ['gateway-kill', 'logger.after_insert', 'poison', 'warehouse-kill'])
  })
})

describeWithServers('with servers', () => {
  test('NATS and Redis', async () => {
    await expectSound('servers', [
      'gateway.after_commit',
      'forwarder.after_ack',
      'logger.before_insert',
      'nats-stream-deleted',
      'redis-kill',
    ])
  })
})

/** A round of each, on one system. */
async function expectSound(setUp: SetUp, names: readonly string[]): Promise<void> {
  const faults = names.map((name) => faultOf(name))
  const result = await runFault({ fault: inTurn(faults), setUp, seed: 1, rounds: faults.length, budgetMs })
  const { violations, broken, answered, rounds } = result
  expect({ seed: result.seed, violations, broken, rounds }).toEqual({
    seed: result.seed,
    violations: [],
    broken: undefined,
    rounds: faults.length,
  })
  expect(answered).toBeGreaterThan(10 * rounds)
}

function faultOf(name: string): Fault {
  const fault = allFaults.find((one) => one.name === name)
  if (fault === undefined) throw new Error(`there is no fault ${name}`)
  return fault
}

function inTurn(faults: readonly Fault[]): Fault {
  const left = [...faults]
  let current: Fault | undefined
  return {
    name: 'smoke',
    does: 'several, in turn',
    setUps: ['embedded', 'servers'],
    rounds: faults.length,
    get cutsAnswers() {
      return current?.cutsAnswers ?? false
    },
    async inject(injection) {
      current = left.shift()
      await current?.inject(injection)
    },
  }
}
