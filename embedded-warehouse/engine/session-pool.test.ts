import { expect, test, vi } from 'vitest'
import { createSessionPool } from './session-pool.ts'

const never = new AbortController().signal

test('requests are served in the order they came', async () => {
  const pool = createSessionPool({ name: 'read', slots: ['a'], maxWaiting: 10 })
  await pool.take(never)
  const order: number[] = []
  const waiting = [1, 2, 3].map(async (number) => {
    const slot = await pool.take(never)
    order.push(number)
    pool.give(slot)
  })
  pool.give('a')
  await Promise.all(waiting)
  expect(order).toEqual([1, 2, 3])
  expect(pool.busy()).toBe(0)
})

test('a client that leaves while it waits takes no session', async () => {
  const pool = createSessionPool({ name: 'read', slots: ['a'], maxWaiting: 10 })
  await pool.take(never)
  const gone = new AbortController()
  const left = pool.take(gone.signal)
  const stays = pool.take(never)
  gone.abort()
  await expect(left).rejects.toMatchObject({ type: 'QUERY_WAS_CANCELLED' })
  pool.give('a')
  expect(await stays).toBe('a')
})

test('a client that has left already takes no session, though one is free', async () => {
  const pool = createSessionPool({ name: 'read', slots: ['a'], maxWaiting: 10 })
  await expect(pool.take(AbortSignal.abort())).rejects.toMatchObject({ type: 'QUERY_WAS_CANCELLED' })
  expect([pool.busy(), pool.hasFree()]).toEqual([0, true])
})

test('more than the bound are refused at once', async () => {
  const pool = createSessionPool({ name: 'read', slots: ['a'], maxWaiting: 1 })
  await pool.take(never)
  const waits = pool.take(never)
  await expect(pool.take(never)).rejects.toMatchObject({ code: 202, type: 'TOO_MANY_SIMULTANEOUS_QUERIES' })
  pool.give('a')
  await waits
})

test('a request that waits too long is told, and takes no session later', async () => {
  vi.useFakeTimers()
  try {
    const pool = createSessionPool({ name: 'analyst', slots: ['a'], maxWaiting: 10, maxWaitMs: 1_000 })
    await pool.take(never)
    const late = pool.take(never)
    const told = late.catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(999)
    const patient = pool.take(never)
    await vi.advanceTimersByTimeAsync(1)
    expect(await told).toMatchObject({ code: 202, type: 'TOO_MANY_SIMULTANEOUS_QUERIES' })
    pool.give('a')
    expect(await patient).toBe('a')
    await vi.advanceTimersByTimeAsync(10_000)
    expect([pool.busy(), pool.hasFree()]).toEqual([1, false])
  } finally {
    vi.useRealTimers()
  }
})
