import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createEngineHealth } from './engine-health.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('an engine that stops answering is unhealthy after ten seconds, and healthy again once it answers', async () => {
  let answer: () => void = () => undefined
  let stuck = false
  const probe = () => (stuck ? new Promise<void>((resolve) => (answer = resolve)) : Promise.resolve())
  const health = createEngineHealth(probe, () => Date.now())
  await vi.advanceTimersByTimeAsync(30_000)
  expect(health.ok()).toBe(true)
  stuck = true
  await vi.advanceTimersByTimeAsync(9_000)
  expect(health.ok()).toBe(true)
  await vi.advanceTimersByTimeAsync(3_000)
  expect(health.ok()).toBe(false)
  answer()
  await vi.advanceTimersByTimeAsync(0)
  expect(health.ok()).toBe(true)
  health.stop()
})

test('a probe that fails counts as silence', async () => {
  const health = createEngineHealth(
    () => Promise.reject(new Error('gone')),
    () => Date.now(),
  )
  await vi.advanceTimersByTimeAsync(11_000)
  expect(health.ok()).toBe(false)
  health.stop()
})
