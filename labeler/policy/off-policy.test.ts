import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createRandom } from '../compare/testing/random.ts'
import type { Estimate } from '../metrics/estimate.ts'
import type { LoggedDecision } from './logged-decision.ts'
import { offPolicyValue } from './off-policy.ts'
import { fitRewards, foldOf } from './reward-model.ts'

type Figures = Record<'self_normalised' | 'doubly_robust' | 'gain' | 'logged', [number, number, number]> &
  Record<'effective_keys' | 'largest_weight' | 'largest_key_share', number>
type Case = Figures & {
  name: string
  shares: Record<string, number>
  key: number[]
  score: number[]
  reward: number[]
  action: number[]
  target: number[]
  decisions: number[][]
}

// By testing/reference.py, which names the versions: the definitions over NumPy's arrays, and SciPy's quantile of Student's t.
const { cases } = JSON.parse(readFileSync(new URL('testing/reference.json', import.meta.url), 'utf8')) as { cases: Case[] }
const toAction = (flag: number) => (flag === 1 ? 'block' : 'pass')

function rowsOf({ shares, key, score, reward, action, target, decisions }: Case): LoggedDecision[] {
  return key.map((stickyKey, row) => ({
    stickyKey: String(stickyKey),
    score: score[row]!,
    reward: reward[row]!,
    action: toAction(action[row]!),
    target: toAction(target[row]!),
    versions: Object.entries(shares).map(([version, share], index) => ({
      version,
      share,
      decision: toAction(decisions[index]![row]!),
    })),
  }))
}

const rewardModel = ({ score }: LoggedDecision, action: string) => (action === 'block' ? 4 * score - 2.1 : -0.4 * score)

test.each(cases)('equals the reference: $name', (given) => {
  const value = offPolicyValue(rowsOf(given), { labelDependsOnAction: true, rewardModel })
  expect(value.refused).toEqual([])
  expectClose(value.self_normalised, given.self_normalised, 1e-8)
  for (const name of ['doubly_robust', 'gain', 'logged'] as const) expectClose(value[name], given[name], 1e-10)
  for (const name of ['effective_keys', 'largest_weight', 'largest_key_share'] as const) expect(value[name]).toBeCloseTo(given[name], 9)
})

function expectClose(estimate: Estimate | undefined, [value, lower, upper]: readonly number[], within: number): void {
  for (const [found, expected] of [
    [estimate?.value, value],
    [estimate?.lower, lower],
    [estimate?.upper, upper],
  ] as const)
    expect(Math.abs(found! - expected!)).toBeLessThan(within)
}

/** Two versions of which one blocks from .4 on, the other from .6 on; the rule that is judged blocks from .5 on. */
function logged(count: number, change: (row: LoggedDecision, index: number) => LoggedDecision = (row) => row): LoggedDecision[] {
  const { uniform, normal } = createRandom(7)
  return Array.from({ length: count }, (_, index) => {
    const score = uniform()
    const versions = [
      { version: '1', share: 0.5, decision: score > 0.4 ? 'block' : 'pass' },
      { version: '2', share: 0.5, decision: score > 0.6 ? 'block' : 'pass' },
    ]
    const action = versions[uniform() < 0.5 ? 0 : 1]!.decision
    const reward = (action === 'block' ? 2 * score - 1 : 0) + 0.1 * normal()
    return change({ stickyKey: `k${index}`, score, versions, action, reward, target: score > 0.5 ? 'block' : 'pass' }, index)
  })
}

describe('off-policy value', () => {
  test('finds the value of a rule that nobody followed', () => {
    // Blocking from .5 on brings the integral of 2s - 1 from .5 to 1, which is .25.
    const { self_normalised: own, doubly_robust: robust, gain } = offPolicyValue(logged(20_000), { labelDependsOnAction: true })
    expect(own!.value).toBeCloseTo(0.25, 1)
    expect(robust!.lower).toBeLessThan(0.25)
    expect(robust!.upper).toBeGreaterThan(0.25)
    expect(robust!.upper! - robust!.lower!).toBeLessThan(own!.upper! - own!.lower!)
    // What was done loses the integral of (1 - 2s) / 2 from .4 to .5 and of (2s - 1) / 2 from .5 to .6.
    expect(gain!.value).toBeCloseTo(0.01, 2)
  })

  test.each([
    ['label_independent_of_action', logged(2000), false],
    ['no_decisions', [], true],
    ['no_decisions', logged(200, (row) => ({ ...row, shadow: true })), true],
    // The rule blocks where no version would have.
    ['actions_without_propensity', logged(2000, (row) => ({ ...row, target: row.score < 0.02 ? 'block' : row.target })), true],
    // The second version was not run beside the first.
    ['actions_without_propensity', logged(2000, withoutSecond), true],
    ['too_few_effective_keys', logged(2000, (row, index) => ({ ...row, stickyKey: `k${index % 90}` })), true],
    ['weight_too_large', logged(2000, (row, index) => ({ ...row, stickyKey: index % 10 === 0 ? 'robot' : row.stickyKey })), true],
  ] as const)('is refused as %s', (refusal, rows, labelDependsOnAction) => {
    const value = offPolicyValue(rows, { labelDependsOnAction })
    expect(value.refused).toContain(refusal)
    expect(value).not.toHaveProperty('self_normalised')
    expect(value).not.toHaveProperty('doubly_robust')
  })

  test('leaves out pinned requests, shadows, and decisions without a reward', () => {
    const rows = logged(2000, (row, index) => ({
      ...row,
      pinned: index < 10,
      shadow: index >= 10 && index < 30,
      reward: index === 40 ? NaN : row.reward,
    }))
    expect(offPolicyValue(rows, { labelDependsOnAction: true })).toMatchObject({
      refused: [],
      decisions: 1969,
      left_out: { pinned: 10, shadow: 20, no_reward: 1 },
    })
  })

  test('foretells no reward from its own key', () => {
    const rows = logged(400)
    const [row] = rows
    const others = rows.filter(({ stickyKey }) => foldOf(stickyKey) !== foldOf(row!.stickyKey))
    const changed = rows.map((each) => (others.includes(each) ? each : { ...each, reward: 1000 }))
    expect(fitRewards(changed)(row!, 'block')).toBe(fitRewards(rows)(row!, 'block'))
  })
})

function withoutSecond(row: LoggedDecision, index: number): LoggedDecision {
  return index % 20 === 0 ? { ...row, versions: [row.versions[0]!, { version: '2', share: 0.5 }] } : row
}
