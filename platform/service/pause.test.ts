import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { pause } from './pause.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('lasts as long as it says, and leaves nothing behind at the signal', async () => {
  const { signal } = new AbortController()
  let over = false
  const waiting = pause(100, signal).then(() => (over = true))
  await vi.advanceTimersByTimeAsync(99)
  expect(over).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  await waiting
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('an abort ends it without an error, and leaves no timer behind', async () => {
  const stopping = new AbortController()
  const waiting = pause(100, stopping.signal)
  stopping.abort()
  await expect(waiting).resolves.toBeUndefined()
  expect(vi.getTimerCount()).toBe(0)
})

test('does not begin when the signal has aborted before', async () => {
  await expect(pause(100, AbortSignal.abort())).resolves.toBeUndefined()
  expect(vi.getTimerCount()).toBe(0)
})
