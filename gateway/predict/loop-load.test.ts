import { expect, it } from 'vitest'
import { createLoopLoad } from './loop-load.ts'

function start() {
  let activeMs = 0
  let nowMs = 0
  const load = createLoopLoad({ activeMs: () => activeMs, tick: () => nowMs })
  return {
    load,
    /** So many instances, each of which holds the loop for so long, one after the other. */
    work(instances: number, eachMs: number) {
      for (let one = 0; one < instances; one++) {
        const leave = load.enter(1)
        activeMs += eachMs
        nowMs += eachMs
        leave()
      }
    },
  }
}

it('expects nothing before it has seen enough', () => {
  const { load, work } = start()
  work(10, 5)
  load.enter(100)
  expect(load.expectedWaitMs()).toBe(0)
})

it('expects what the work under way will cost, by what such work has cost', () => {
  const { load, work } = start()
  work(500, 0.5)
  const leave = load.enter(40)
  expect(load.expectedWaitMs()).toBeCloseTo(20)
  leave()
  expect(load.expectedWaitMs()).toBe(0)
})

it('follows a change', () => {
  const { load, work } = start()
  work(500, 0.5)
  work(3000, 2)
  load.enter(10)
  expect(load.expectedWaitMs()).toBeCloseTo(20, 0)
})
