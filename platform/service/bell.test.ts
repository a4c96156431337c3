import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createBell } from './bell.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const isDone = async (waiting: Promise<void>) => {
  let done = false
  void waiting.then(() => (done = true))
  await vi.advanceTimersByTimeAsync(0)
  return done
}

test('wakes its waiter at a ring, and not at one before', async () => {
  const bell = createBell()
  bell.ring()
  const waiting = bell.wait(1_000)
  expect(await isDone(waiting)).toBe(false)
  bell.ring()
  expect(await isDone(waiting)).toBe(true)
  expect(vi.getTimerCount()).toBe(0)
})

test('lets nobody sleep longer than asked for', async () => {
  const waiting = createBell().wait(1_000)
  await vi.advanceTimersByTimeAsync(999)
  expect(await isDone(waiting)).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  expect(await isDone(waiting)).toBe(true)
})

test('ends the wait with the signal, also with one that has aborted', async () => {
  const stopping = new AbortController()
  const waiting = createBell().wait(1_000, stopping.signal)
  expect(await isDone(waiting)).toBe(false)
  stopping.abort()
  expect(await isDone(waiting)).toBe(true)
  expect(await isDone(createBell().wait(1_000, stopping.signal))).toBe(true)
  expect(vi.getTimerCount()).toBe(0)
})
