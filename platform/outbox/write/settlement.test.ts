import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createSettlement } from './settlement.ts'

it('goes as far as the lane where nothing is open', () => {
  const settlement = createSettlement()
  expect(settlement.through(0)).toBe(0)
  expect(settlement.through(7)).toBe(7)
})

it('stops before the lowest that is open, and goes on where that is settled', () => {
  const settlement = createSettlement()
  for (const seq of [2, 3, 5]) settlement.open(seq)
  expect(settlement.through(9)).toBe(1)
  settlement.settle(3)
  expect(settlement.through(9)).toBe(1)
  settlement.settle(2)
  expect(settlement.through(9)).toBe(4)
  settlement.settle(5)
  expect(settlement.through(9)).toBe(9)
})

it('takes no notice of what is settled twice or was never open', () => {
  const settlement = createSettlement()
  settlement.open(4)
  for (const seq of [1, 9]) settlement.settle(seq)
  expect(settlement.through(9)).toBe(3)
  for (const seq of [4, 4]) settlement.settle(seq)
  expect(settlement.through(9)).toBe(9)
})

it('equals a look through all of them, whatever the order', () => {
  const step = fc.record({ awaits: fc.boolean(), settles: fc.array(fc.nat(), { maxLength: 3 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const settlement = createSettlement()
      const open: number[] = []
      for (const [index, { awaits, settles }] of steps.entries()) {
        const seq = index + 1
        if (awaits) open.push(seq)
        if (awaits) settlement.open(seq)
        for (const pick of settles) {
          const [settled] = open.splice(pick % Math.max(1, open.length), 1)
          if (settled !== undefined) settlement.settle(settled)
        }
        expect(settlement.through(seq)).toBe(open.length === 0 ? seq : Math.min(...open) - 1)
      }
    }),
  )
})
