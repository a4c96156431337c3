import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { settledWithin, within } from './within.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const never = new Promise<never>(() => undefined)

test('gives what is there in time, and fails with what fails in time', async () => {
  expect(await within(100, Promise.resolve('there'), () => 'late')).toBe('there')
  await expect(within(100, Promise.reject(new Error('no')), () => 'late')).rejects.toThrow('no')
  expect(vi.getTimerCount()).toBe(0)
})

test('gives or throws what is said of work that is late', async () => {
  const waiting = within(100, never, () => 'late')
  const failing = within(100, never, () => {
    throw new Error('too late')
  })
  await Promise.all([expect(failing).rejects.toThrow('too late'), vi.advanceTimersByTimeAsync(100)])
  expect(await waiting).toBe('late')
})

test('an end waits for what settles, well or not, and not for what hangs', async () => {
  await settledWithin(100, Promise.reject(new Error('no')))
  const waiting = settledWithin(100, never)
  await vi.advanceTimersByTimeAsync(100)
  expect(await waiting).toBeUndefined()
})
