import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Cancellation, createCancellation } from '../bounds/cancellation.ts'
import { createCommitTime } from './commit-time.ts'
import { createDeadline } from './deadline.ts'

const never = new Promise<never>(() => {})
const failureOf = (work: Promise<unknown>) => work.catch((error: unknown) => error)

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const start = (client?: Cancellation) =>
  createDeadline({ now: Date.now, atMs: Date.now() + 100, reserveMs: 20, onHangUp: client && ((listener) => client.onCancel(listener)) })

describe('a deadline', () => {
  it('ends the work before the answer, so that the event can be made durable', async () => {
    const deadline = start()
    const work = failureOf(deadline.race(never))
    vi.advanceTimersByTime(79)
    expect(deadline.cancellation.reason).toBeUndefined()
    vi.advanceTimersByTime(1)
    expect(deadline.cancellation.reason).toMatchObject({ code: 'deadline_exceeded' })
    expect(await work).toMatchObject({ code: 'deadline_exceeded' })
    const record = failureOf(deadline.raceEnd(never))
    vi.advanceTimersByTime(20)
    expect(await record).toMatchObject({ code: 'deadline_exceeded' })
  })

  it('gives what comes in time', async () => {
    const deadline = start()
    expect(await deadline.race(Promise.resolve(1))).toBe(1)
    expect(await deadline.raceEnd(Promise.resolve(2))).toBe(2)
    deadline.clear()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('ends the work when the client hangs up, also one that has', async () => {
    const client = createCancellation()
    const deadline = start(client)
    const work = failureOf(deadline.race(never))
    client.cancel(new Error('gone'))
    expect(await work).toMatchObject({ code: 'cancelled' })
    await expect(start(client).race(never)).rejects.toMatchObject({ code: 'cancelled' })
  })

  it('does not end the commit when the client hangs up', async () => {
    const client = createCancellation()
    const deadline = start(client)
    const record = deadline.raceEnd(new Promise((resolve) => setTimeout(() => resolve('durable'), 50)))
    client.cancel(new Error('gone'))
    vi.advanceTimersByTime(50)
    expect(await record).toBe('durable')
  })
})

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
