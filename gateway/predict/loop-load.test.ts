import { expect, it } from 'vitest'
import { createLoopLoad } from './loop-load.ts'

/** A loop whose turns take as long as they are said to. */
function start() {
  let nowMs = 0
  let callbacks: (() => void)[] = []
  const load = createLoopLoad({ tick: () => nowMs, nextTurn: (callback) => void callbacks.push(callback) })
  return {
    load,
    turns(count: number, eachMs: number) {
      for (let turn = 0; turn < count; turn++) {
        load.expectedWaitMs()
        const due = callbacks
        callbacks = []
        nowMs += eachMs
        for (const callback of due) callback()
      }
    },
    waiting: () => callbacks.length,
  }
}

it('expects nothing of a loop that idles', () => {
  const { load, turns } = start()
  turns(20, 0)
  expect(load.expectedWaitMs()).toBe(0)
})

it('expects as many turns as a request takes, as long as turns have been', () => {
  const { load, turns } = start()
  turns(100, 10)
  expect(load.expectedWaitMs()).toBeCloseTo(70)
})

it('does not take one long turn for the rule, and forgets a load that is over', () => {
  const { load, turns } = start()
  turns(100, 1)
  turns(2, 100)
  expect(load.expectedWaitMs()).toBeLessThan(200)
  turns(60, 1)
  expect(load.expectedWaitMs()).toBeLessThan(10)
})

it('measures once at a time, however many ask', () => {
  const { load, waiting } = start()
  for (let request = 0; request < 50; request++) load.expectedWaitMs()
  expect(waiting()).toBe(1)
})
