import { MessageChannel } from 'node:worker_threads'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createDeadlines } from './deadlines.ts'

const tick = () => performance.now()

describe('deadlines', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('calls back once the moment is over, and once', () => {
    const expire = vi.fn<() => void>()
    createDeadlines({ tick, granularityMs: 2 }).at(tick() + 100, expire)
    vi.advanceTimersByTime(99)
    expect(expire).not.toHaveBeenCalled()
    vi.advanceTimersByTime(4)
    expect(expire).toHaveBeenCalledOnce()
    vi.advanceTimersByTime(10_000)
    expect(expire).toHaveBeenCalledOnce()
  })

  test('one that was cleared is not called, also where the one before it clears it', () => {
    const deadlines = createDeadlines({ tick })
    const called = vi.fn<(name: string) => void>()
    deadlines.clear(deadlines.at(tick() + 10, () => called('cleared')))
    deadlines.at(tick() + 20, () => deadlines.clear(next))
    const next = deadlines.at(tick() + 20, () => called('cleared by another'))
    deadlines.at(tick() + 20, () => called('kept'))
    vi.advanceTimersByTime(1_000)
    expect(called.mock.calls).toEqual([['kept']])
    deadlines.clear(next)
  })

  test('a moment that is over comes at the next turn, and not at once', () => {
    const expire = vi.fn<() => void>()
    createDeadlines({ tick }).at(tick() - 50, expire)
    expect(expire).not.toHaveBeenCalled()
    vi.advanceTimersByTime(3)
    expect(expire).toHaveBeenCalledOnce()
  })

  test('one that is set while others wait for a later moment is not held up by them', () => {
    const deadlines = createDeadlines({ tick })
    const expire = vi.fn<() => void>()
    deadlines.at(tick() + 60_000, () => undefined)
    deadlines.at(tick() + 10, expire)
    vi.advanceTimersByTime(13)
    expect(expire).toHaveBeenCalledOnce()
  })

  test('has one timer for all, and none once all have expired', () => {
    const deadlines = createDeadlines({ tick })
    for (let index = 0; index < 1_000; index++) deadlines.at(tick() + index, () => undefined)
    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(2_000)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('each of many is called in time, unless it is cleared before', () => {
    const many = fc.array(fc.record({ setAfterMs: fc.nat(40), forMs: fc.nat(3_000), clearAfterMs: fc.option(fc.nat(3_000)) }), {
      maxLength: 60,
    })
    const property = fc.property(many, fc.constantFrom(1, 2, 5), (wanted, granularityMs) => {
      const deadlines = createDeadlines({ tick, granularityMs })
      const found = wanted.map(() => ({ dueMs: Infinity, calls: [] as number[], clearedMs: Infinity }))
      for (const [index, { setAfterMs, forMs, clearAfterMs }] of wanted.entries())
        setTimeout(() => {
          const one = found[index]!
          one.dueMs = tick() + forMs
          const deadline = deadlines.at(one.dueMs, () => one.calls.push(tick()))
          if (clearAfterMs === null) return
          one.clearedMs = tick() + clearAfterMs
          setTimeout(() => deadlines.clear(deadline), clearAfterMs)
        }, setAfterMs)
      vi.advanceTimersByTime(4_000)
      for (const { dueMs, calls, clearedMs } of found) {
        const latestMs = dueMs + granularityMs + 1
        expect(calls.length).toBeLessThanOrEqual(1)
        if (clearedMs > latestMs) expect(calls.length).toBe(1)
        if (clearedMs < dueMs) expect(calls.length).toBe(0)
        for (const at of calls) expect([at >= dueMs, at <= latestMs]).toEqual([true, true])
      }
    })
    fc.assert(property, { numRuns: 100 })
  })
})

describe('deadlines after a pause of the process', () => {
  test('what arrived during the pause comes before what became due in it', async () => {
    const order: string[] = []
    const { port1, port2 } = new MessageChannel()
    await new Promise<void>((resolve) => {
      port1.on('message', () => order.push('arrived'))
      // From here the next phases of the event loop are timers, sockets and ports, immediates.
      setImmediate(() => {
        port2.postMessage('')
        createDeadlines({ tick }).at(tick() + 5, () => {
          order.push('due')
          resolve()
        })
        for (const untilMs = tick() + 50; tick() < untilMs;);
      })
    })
    port1.close()
    expect(order).toEqual(['arrived', 'due'])
  })
})
