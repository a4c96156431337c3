import { expect, test, vi } from 'vitest'
import { createReadiness } from './readiness.ts'

test('it is not ready until a look says so, and is ready from then on', async () => {
  const look = vi.fn(async () => false)
  const readiness = createReadiness(look)
  await expect(readiness.require()).rejects.toMatchObject({ code: 667, type: 'NOT_INITIALIZED' })
  look.mockRejectedValueOnce(new Error('the engine is away'))
  expect(await readiness.isReady()).toBe(false)
  look.mockResolvedValueOnce(true)
  await readiness.require()
  expect(await readiness.isReady()).toBe(true)
  expect(look).toHaveBeenCalledTimes(3)
})

test('requests that come at once share a look', async () => {
  const look = vi.fn(async () => false)
  const readiness = createReadiness(look)
  expect(await Promise.all([readiness.isReady(), readiness.isReady(), readiness.isReady()])).toEqual([false, false, false])
  expect(look).toHaveBeenCalledTimes(1)
})
