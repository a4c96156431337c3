import { describe, expect, test, vi } from 'vitest'
import { readiness } from './admin-listener.ts'
import type { RunningService } from './service.ts'

const withChecks = (checks: RunningService['checks']): RunningService => ({ drain: async () => {}, ...(checks && { checks }) })

describe('readiness', () => {
  test.each([
    ['has not started', undefined, false, { started: false }],
    ['has no checks', withChecks(undefined), true, {}],
    ['passes all', withChecks(async () => ({ outbox: true, store: true })), true, { outbox: true, store: true }],
    ['fails one', withChecks(async () => ({ outbox: true, store: false })), false, { outbox: true, store: false }],
    ['throws', withChecks(() => Promise.reject(new Error('gone'))), false, { answers_in_time: false }],
  ])('of a service that %s', async (_name, running, ready, checks) => {
    expect(await readiness({ running: () => running, draining: () => false })).toEqual({ ready, checks })
  })

  test('of a service that does not answer is false within the deadline', async () => {
    vi.useFakeTimers()
    const running = withChecks(() => new Promise(() => {}))
    const answer = readiness({ running: () => running, draining: () => false })
    await vi.advanceTimersByTimeAsync(2000)
    expect(await answer).toEqual({ ready: false, checks: { answers_in_time: false } })
    vi.useRealTimers()
  })

  test('of a service that drains is false', async () => {
    const running = withChecks(async () => ({ outbox: true }))
    expect(await readiness({ running: () => running, draining: () => true })).toMatchObject({ ready: false })
  })
})
