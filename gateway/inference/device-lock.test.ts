import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createDeviceLock, createHoldDevice, freeDevice } from './device-lock.ts'

const lock = createDeviceLock()
const holder = () => Atomics.load(lock, 0)
const hold = createHoldDevice({ lock, threadId: 3, waitMs: 50 })

it('is held during the work, and free after it, however it ends', async () => {
  expect(await hold(async () => holder())).toBe(3)
  expect(holder()).toBe(0)
  await expect(hold(() => Promise.reject(new Error('no such kernel')))).rejects.toThrow('no such kernel')
  expect(holder()).toBe(0)
})

it('keeps others out until its thread has ended', async () => {
  Atomics.store(lock, 0, 7)
  const held = () => hold(async () => 'done')
  await expect(held()).rejects.toThrow('the device is held by a run that does not end')
  freeDevice(lock, 4)
  await expect(held()).rejects.toThrow('the device is held by a run that does not end')
  freeDevice(lock, 7)
  expect(await held()).toBe('done')
})

it('is given to the works of one thread in turn: none waits for itself', async () => {
  const order: string[] = []
  const work = (name: string) => async () => {
    order.push(`${name} begins`)
    await nextTurn()
    order.push(`${name} ends`)
  }
  await Promise.all([hold(work('one')), hold(work('two'))])
  expect(order).toEqual(['one begins', 'one ends', 'two begins', 'two ends'])
})
