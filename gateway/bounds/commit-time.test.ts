import { describe, expect, it } from 'vitest'
import { createCommitTime } from './commit-time.ts'

describe('what is kept for the commit', () => {
  it('is what nearly every commit takes', () => {
    const time = createCommitTime()
    for (let turn = 0; turn < 50; turn++) time.seen(turn % 2 === 0 ? 4 : 6)
    expect(time.reserveMs(1000)).toBeGreaterThan(6)
    expect(time.reserveMs(1000)).toBeLessThan(12)
  })

  it('is at least a millisecond, and at most a quarter of the budget', () => {
    const time = createCommitTime()
    expect(time.reserveMs(100)).toBe(1)
    for (let turn = 0; turn < 50; turn++) time.seen(400)
    expect(time.reserveMs(100)).toBe(25)
  })
})
