import { expect, it } from 'vitest'
import { createTally, type Tally } from '../generator/tally.ts'
import { judgeOverload } from './overload.ts'

const budgetMs = 250
const round = (answeredPerSecond: number, tally: Partial<Tally> = {}) => ({
  capacityPerSecond: 100,
  offeredPerSecond: 200,
  answeredPerSecond,
  tally: { ...createTally(), answeredMs: [20, 30], refusedMs: [5], delaysMs: [0], ...tally },
})
const judge = (tally: Partial<Tally>) => judgeOverload([round(100, tally)], { instances: 16, budgetMs }).map(({ holds }) => holds)

it('asks for as much as in a closed loop with many predictions in a request, and for 0.6 of it with one', () => {
  const rounds = [round(59), round(61), round(99)]
  expect(judgeOverload(rounds, { instances: 16, budgetMs })[0]).toMatchObject({ holds: false })
  expect(judgeOverload(rounds, { instances: 1, budgetMs })[0]).toMatchObject({ holds: true })
  expect(judgeOverload([round(99), round(101), round(100)], { instances: 16, budgetMs })[0]?.holds).toBe(true)
})

it.each<[string, Partial<Tally>, boolean[]]>([
  ['all in time, the rest refused at once', {}, [true, true, true]],
  ['an answer after the budget', { answeredMs: [20, 260] }, [true, false, true]],
  ['a refusal that comes late', { refusedMs: [5, 200] }, [true, true, false]],
  ['a 503 without Retry-After', { others: new Map([[503, 1]]) }, [true, true, false]],
  ['no refusal at all', { refusedMs: [] }, [true, true, false]],
])('%s', (_what, tally, holds) => {
  expect(judge(tally)).toEqual(holds)
})
