import { expect, it } from 'vitest'
import { createLoopLoad } from './loop-load.ts'

/** A loop that is at work, or waits, for as long as it is told to. */
function start() {
  const at = { nowMs: 0, activeMs: 0 }
  const load = createLoopLoad({ tick: () => at.nowMs, activeMs: () => at.activeMs })
  const work = (ms: number) => {
    at.nowMs += ms
    at.activeMs += ms
  }
  return {
    load,
    work,
    wait: (ms: number) => void (at.nowMs += ms),
    /** Requests that come together, each of which keeps the loop for so long. */
    serve(count: number, eachMs: number) {
      const ends = Array.from({ length: count }, () => load.begin(1))
      for (const end of ends) {
        work(eachMs)
        end()
      }
    },
  }
}

it('expects nothing where nothing is under way, whatever the loop has been doing', () => {
  const { load, serve, work } = start()
  serve(100, 5)
  work(1000)
  expect(load.expectedWaitMs()).toBe(0)
  load.begin(1)
  expect(load.expectedWaitMs()).toBeLessThanOrEqual(5)
})

it('expects nothing of the first requests, which find everything cold', () => {
  const { load, serve } = start()
  for (let turn = 0; turn < 8; turn++) serve(1, 200)
  for (let request = 0; request < 10; request++) load.begin(1)
  expect(load.expectedWaitMs()).toBe(0)
})

it('expects as many requests as are under way, as long as they have been keeping the loop', () => {
  const { load, serve } = start()
  for (let turn = 0; turn < 50; turn++) serve(10, 2)
  for (let request = 0; request < 40; request++) load.begin(1)
  expect(load.expectedWaitMs()).toBeCloseTo(80)
})

it('counts rows: one large request holds up as long as many small ones', () => {
  const { load, serve } = start()
  for (let turn = 0; turn < 50; turn++) serve(8, 3)
  load.begin(98)
  expect(load.expectedWaitMs()).toBeCloseTo(100)
})

it('counts on what requests took, and as much again, under a load that lasts', () => {
  const { load, serve } = start()
  for (let turn = 0; turn < 50; turn++) serve(50, 2)
  for (let request = 0; request < 40; request++) load.begin(1)
  expect(load.expectedWaitMs()).toBeGreaterThan(160)
  expect(load.expectedWaitMs()).toBeLessThan(175)
})

it('does not take what comes at once after a pause for a load that lasts', () => {
  const { load, serve, work } = start()
  for (let turn = 0; turn < 50; turn++) serve(5, 1)
  work(300)
  serve(90, 1)
  for (let request = 0; request < 40; request++) load.begin(1)
  expect(load.expectedWaitMs()).toBeCloseTo(40)
})

it('follows code that warms up at once', () => {
  const { load, serve } = start()
  for (let turn = 0; turn < 9; turn++) serve(1, 200)
  for (let turn = 0; turn < 2; turn++) serve(30, 1)
  load.begin(1)
  expect(load.expectedWaitMs()).toBeCloseTo(1)
})

it('does not count what requests wait for', () => {
  const { load, wait, work } = start()
  for (let request = 0; request < 50; request++) {
    const end = load.begin(1)
    wait(100)
    work(1)
    end()
  }
  load.begin(1)
  expect(load.expectedWaitMs()).toBeCloseTo(1)
})

it('does not hold against a request what refusals take', () => {
  const { load, work } = start()
  for (let turn = 0; turn < 100; turn++) {
    const end = load.begin(1)
    for (let refusal = 0; refusal < 50; refusal++) {
      work(0.1)
      load.refuse()
    }
    work(0.5)
    end()
  }
  load.begin(1)
  expect(load.expectedWaitMs()).toBeLessThan(1)
})

it('does not take one long turn for the rule, and forgets a load that is over', () => {
  const { load, serve } = start()
  for (let turn = 0; turn < 50; turn++) serve(10, 1)
  serve(1, 3000)
  load.begin(1)
  expect(load.expectedWaitMs()).toBeLessThan(2)
  for (let turn = 0; turn < 50; turn++) serve(10, 1)
  expect(load.expectedWaitMs()).toBeLessThan(2)
})
