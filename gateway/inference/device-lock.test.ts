import { expect, it } from 'vitest'
import { createDeviceLock, freeDevice, holdDevice } from './device-lock.ts'

const lock = createDeviceLock()
const holder = () => Atomics.load(lock, 0)

it('is held during the work, and free after it, however it ends', async () => {
  expect(await holdDevice({ lock, threadId: 3 }, async () => holder())).toBe(3)
  expect(holder()).toBe(0)
  const failed = holdDevice({ lock, threadId: 3 }, () => Promise.reject(new Error('no such kernel')))
  await expect(failed).rejects.toThrow('no such kernel')
  expect(holder()).toBe(0)
})

it('keeps others out until its thread has ended', async () => {
  Atomics.store(lock, 0, 7)
  const held = () => holdDevice({ lock, threadId: 3, waitMs: 10 }, async () => 'done')
  await expect(held()).rejects.toThrow('the device is held by a run that does not end')
  freeDevice(lock, 4)
  await expect(held()).rejects.toThrow('the device is held by a run that does not end')
  freeDevice(lock, 7)
  expect(await held()).toBe('done')
})
