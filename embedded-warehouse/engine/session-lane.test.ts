import { expect, test, vi } from 'vitest'
import { createLane } from './session-lane.ts'

const never = new AbortController().signal

test('requests are served in the order they came', async () => {
  const lane = createLane({ name: 'read', slots: ['a'], maxWaiting: 10 })
  await lane.take(never)
  const order: number[] = []
  const waiting = [1, 2, 3].map(async (number) => {
    const slot = await lane.take(never)
    order.push(number)
    lane.give(slot)
  })
  lane.give('a')
  await Promise.all(waiting)
  expect(order).toEqual([1, 2, 3])
  expect(lane.busy()).toBe(0)
})

test('a client that leaves while it waits takes no session', async () => {
  const lane = createLane({ name: 'read', slots: ['a'], maxWaiting: 10 })
  await lane.take(never)
  const gone = new AbortController()
  const left = lane.take(gone.signal)
  const stays = lane.take(never)
  gone.abort()
  await expect(left).rejects.toMatchObject({ type: 'QUERY_WAS_CANCELLED' })
  lane.give('a')
  expect(await stays).toBe('a')
})

test('a client that has left already takes no session, though one is free', async () => {
  const lane = createLane({ name: 'read', slots: ['a'], maxWaiting: 10 })
  await expect(lane.take(AbortSignal.abort())).rejects.toMatchObject({ type: 'QUERY_WAS_CANCELLED' })
  expect([lane.busy(), lane.hasFree()]).toEqual([0, true])
})

test('more than the bound are refused at once', async () => {
  const lane = createLane({ name: 'read', slots: ['a'], maxWaiting: 1 })
  await lane.take(never)
  const waits = lane.take(never)
  await expect(lane.take(never)).rejects.toMatchObject({ code: 202, type: 'TOO_MANY_SIMULTANEOUS_QUERIES' })
  lane.give('a')
  await waits
})

test('a request that waits too long is told, and takes no session later', async () => {
  vi.useFakeTimers()
  try {
    const lane = createLane({ name: 'analyst', slots: ['a'], maxWaiting: 10, maxWaitMs: 1_000 })
    await lane.take(never)
    const late = lane.take(never)
    const told = late.catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(999)
    const patient = lane.take(never)
    await vi.advanceTimersByTimeAsync(1)
    expect(await told).toMatchObject({ code: 202, type: 'TOO_MANY_SIMULTANEOUS_QUERIES' })
    lane.give('a')
    expect(await patient).toBe('a')
    await vi.advanceTimersByTimeAsync(10_000)
    expect([lane.busy(), lane.hasFree()]).toEqual([1, false])
  } finally {
    vi.useRealTimers()
  }
})
