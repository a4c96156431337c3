import { expect, it } from 'vitest'
import { createSpareTurns } from './spare-turns.ts'

it('lets a few of those that wait go in each turn, in their order, and none in the turn that they came in', async () => {
  const spareTurn = createSpareTurns()
  const went: { who: number; turn: number }[] = []
  let turn = 0
  const counting = () => void (turn++, went.length < 100 && setImmediate(counting))
  setImmediate(counting)
  const all = Array.from({ length: 100 }, async (_, who) => {
    await spareTurn()
    went.push({ who, turn })
  })
  expect(went).toEqual([])
  await Promise.all(all)
  expect(went.map(({ who }) => who)).toEqual(Array.from({ length: 100 }, (_, who) => who))
  const perTurn = Array.from({ length: turn + 1 }, (_, number) => went.filter((one) => one.turn === number).length)
  expect(Math.max(...perTurn)).toBe(7)
})

it('goes on for what comes later', async () => {
  const spareTurn = createSpareTurns()
  await spareTurn()
  await spareTurn()
})
