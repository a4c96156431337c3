import { expect, test } from 'vitest'
import { createSessionPool } from './session-pool.ts'
import { takeFirst } from './take-first.ts'

const never = new AbortController().signal

function openPools({ maxWaiting = 10 } = {}) {
  const any = createSessionPool({ name: 'any', slots: ['a'], maxWaiting })
  const brief = createSessionPool({ name: 'brief', slots: ['b'], maxWaiting })
  return { any, brief, both: [any, brief] as const, busy: () => [any.busy(), brief.busy()] }
}

test('of free sessions it takes that of the pool that is named first', async () => {
  const { any, brief, both, busy } = openPools()
  expect(await takeFirst(both, never)).toEqual({ pool: any, slot: 'a' })
  expect(await takeFirst(both, never)).toEqual({ pool: brief, slot: 'b' })
  expect(busy()).toEqual([1, 1])
})

test.each([0, 1])('it takes what comes free first, and waits for nothing more: pool %i', async (index) => {
  const { any, brief, both, busy } = openPools()
  const held = [await any.take(never), await brief.take(never)] as const
  const taking = takeFirst(both, never)
  both[index]?.give(held[index] as string)
  expect(await taking).toEqual({ pool: both[index], slot: held[index] })
  const other = 1 - index
  both[other]?.give(held[other] as string)
  expect(busy()).toEqual(index === 0 ? [1, 0] : [0, 1])
})

test('of two that come free at the same moment one is given back', async () => {
  const { any, brief, both, busy } = openPools()
  const held = [await any.take(never), await brief.take(never)] as const
  const taking = takeFirst(both, never)
  any.give(held[0])
  brief.give(held[1])
  const { pool } = await taking
  await Promise.resolve()
  expect([pool.busy(), ...busy()]).toEqual(pool === any ? [1, 1, 0] : [1, 0, 1])
})

test('it is refused when no pool has room for it', async () => {
  const { any, brief, both } = openPools({ maxWaiting: 0 })
  await any.take(never)
  await brief.take(never)
  await expect(takeFirst(both, never)).rejects.toMatchObject({ type: 'TOO_MANY_SIMULTANEOUS_QUERIES' })
})

test('a client that leaves while it waits takes none', async () => {
  const { any, brief, both, busy } = openPools()
  const held = [await any.take(never), await brief.take(never)] as const
  const gone = new AbortController()
  const taking = takeFirst(both, gone.signal)
  gone.abort()
  await expect(taking).rejects.toMatchObject({ type: 'QUERY_WAS_CANCELLED' })
  any.give(held[0])
  brief.give(held[1])
  expect(busy()).toEqual([0, 0])
})
