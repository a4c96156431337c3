import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ServiceError } from '../../contracts/errors.ts'
import { retry } from './retry.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const backOff = { firstMs: 100, mostMs: 300 }
const busy = () => new ServiceError('not_ready', 'busy')

/** Fails as often as it is told, then gives how often it was asked. */
function failing(times: number, error: unknown = busy()) {
  let asked = 0
  return async () => {
    if (asked++ < times) throw error
    return asked
  }
}

test('goes on with pauses that double up to the longest', async () => {
  const pauses: number[] = []
  const result = retry(failing(4), { backOff, onRetry: ({ pauseMs }) => pauses.push(pauseMs) })
  await vi.advanceTimersByTimeAsync(900)
  expect(await result).toBe(5)
  expect(pauses).toEqual([100, 200, 300, 300])
})

test('gives up after its attempts, and at once where none helps', async () => {
  const asked = vi.fn<() => Promise<number>>(failing(9))
  const result = retry(asked, { backOff, attempts: 3 })
  await Promise.all([expect(result).rejects.toMatchObject({ code: 'not_ready' }), vi.advanceTimersByTimeAsync(300)])
  expect(asked).toHaveBeenCalledTimes(3)
  await expect(retry(failing(1, new ServiceError('unauthorized', 'no')), { backOff })).rejects.toMatchObject({ code: 'unauthorized' })
  await expect(retry(failing(1, new Error('a fault')), { backOff })).rejects.toThrow('a fault')
})

test('an abort ends the pause, and no other attempt is made', async () => {
  const stopping = new AbortController()
  const asked = vi.fn<() => Promise<number>>(failing(9))
  const result = retry(asked, { backOff, signal: stopping.signal })
  await vi.advanceTimersByTimeAsync(50)
  stopping.abort()
  await expect(result).rejects.toMatchObject({ code: 'not_ready' })
  expect(asked).toHaveBeenCalledOnce()
})
