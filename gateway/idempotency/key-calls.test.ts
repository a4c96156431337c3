import { expect, it } from 'vitest'
import { ServiceError } from '../../contracts/errors.ts'
import { createMemoryIdempotencyStore } from '../testing/memory-idempotency-store.ts'
import { createKeyCalls } from './key-calls.ts'

const place = (key: string) => ({ tenant: 'default', model: 'm', key })
const claimOf = (key: string, fingerprint = 'f') => ({
  place: place(key),
  claim: { attempt: `a-${key}`, fingerprint, writerId: 'w', epoch: 1 },
  holdMs: 60_000,
})

function open() {
  const memory = createMemoryIdempotencyStore()
  return { ...memory, keys: createKeyCalls(memory.store) }
}

it('asks the store once for each kind that is asked in a turn of the event loop, in the order in which it was asked', async () => {
  const { keys, calls } = open()
  await Promise.all([
    keys.claim(claimOf('b')),
    keys.release({ place: place('c'), attempt: 'x' }),
    keys.claim(claimOf('a')),
    Promise.resolve().then(() => keys.claim(claimOf('c'))),
  ])
  expect(calls).toEqual([
    { call: 'claim', keys: ['b', 'a', 'c'] },
    { call: 'release', keys: ['c'] },
  ])
  await keys.claim(claimOf('d'))
  expect(calls.at(-1)).toEqual({ call: 'claim', keys: ['d'] })
})

it('does not let a call that is under way hold up the next', async () => {
  const { keys, holdNext } = open()
  const release = holdNext('claim')
  const first = keys.claim(claimOf('a'))
  await new Promise(setImmediate)
  expect(await keys.claim(claimOf('b'))).toBeUndefined()
  release()
  expect(await first).toBeUndefined()
})

it('gives each the outcome of its own key', async () => {
  const { keys, failFor } = open()
  failFor('claim', 'odd')
  const outcomes = await Promise.allSettled([claimOf('a'), claimOf('odd'), claimOf('a', 'g'), claimOf('b')].map(keys.claim))
  expect(outcomes).toMatchObject([
    { status: 'fulfilled', value: undefined },
    { status: 'rejected', reason: { code: 'idempotency_unavailable' } },
    { status: 'fulfilled', value: { attempt: 'a-a', fingerprint: 'f' } },
    { status: 'fulfilled', value: undefined },
  ])
})

it('fails for all whose call fails', async () => {
  const { keys, fail } = open()
  fail('claim')
  const outcomes = await Promise.allSettled(['a', 'b'].map((key) => keys.claim(claimOf(key))))
  for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(ServiceError) })
})
