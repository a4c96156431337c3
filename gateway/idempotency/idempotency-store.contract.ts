import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ServiceError } from '../../contracts/errors.ts'
import type { Claim, Holder, IdempotencyStore, KeyPlace, Outcome, Preparation } from './idempotency-store.ts'

export type StoreFixture = {
  store: IdempotencyStore
  /** Another gateway's connection to the same store. */
  other: IdempotencyStore
  /** Lets this much time pass for the store. */
  pass(ms: number): Promise<void>
  close(): Promise<void>
}

const place: KeyPlace = { tenant: 'default', model: 'm', key: 'order-1 {x}:y' }
const claimOf = (attempt: string, change: Partial<Claim> = {}): Claim => ({ attempt, fingerprint: 'f', writerId: 'w', epoch: 3, ...change })
const answer = { headers: { 'content-type': 'application/json' }, body: Buffer.from([123, 10, 0, 255, 125]) }
const hold = { holdMs: 60_000 }
const predictionsOf = (attempt: string) => ({ ids: [`first-${attempt}`, `p-${attempt}`], retentionUntil: '2028-01-01T00:00:00.000Z' })
const prepared = (attempt: string, holdMs = 60_000) => ({
  attempt,
  predictionId: `p-${attempt}`,
  predictions: predictionsOf(attempt),
  answer,
  holdMs,
})

/** The store's calls, each about one key, whose error they throw. */
function oneByOne(store: IdempotencyStore) {
  return {
    ...store,
    claim: async (at: KeyPlace, claim: Claim, options: { holdMs: number; over?: string }) =>
      outcomeOf(await store.claim([{ place: at, claim, ...options }])),
    prepare: async (at: KeyPlace, preparation: Omit<Preparation, 'place'>) =>
      outcomeOf(await store.prepare([{ place: at, ...preparation }])),
    complete: async (at: KeyPlace, predictionId: string) => outcomeOf(await store.complete([{ place: at, predictionId }])),
    markDelivered: async (at: KeyPlace, predictionId: string) => outcomeOf(await store.markDelivered([{ place: at, predictionId }])),
    release: async (at: KeyPlace, attempt: string) => outcomeOf(await store.release([{ place: at, attempt }])),
  }
}

function outcomeOf<T>([outcome, ...others]: readonly Outcome<T>[]): T {
  expect(others).toEqual([])
  if (outcome instanceof ServiceError) throw outcome
  return outcome as T
}

/** The holder with its body as plain bytes, whatever buffer it came in. */
const plain = (holder: Holder | undefined) =>
  holder?.state === 'answered' ? { ...holder, answer: { ...holder.answer, body: Buffer.from(holder.answer.body) } } : holder

/** What every store of idempotency keys does; `windowMs` of its fixtures is 5,000. */
export function describeIdempotencyStore(name: string, open: () => Promise<StoreFixture>): void {
  describe(name, () => {
    let fixture: StoreFixture
    let store: ReturnType<typeof oneByOne>
    let other: ReturnType<typeof oneByOne>
    beforeEach(async () => {
      fixture = await open()
      store = oneByOne(fixture.store)
      other = oneByOne(fixture.other)
    })
    afterEach(() => fixture.close())

    it('lets one of many claims at once through, whichever process makes it', async () => {
      const attempts = Array.from({ length: 40 }, (_, index) => `a${index}`)
      const outcomes = await Promise.all(
        attempts.map((attempt, index) => (index % 2 === 0 ? store : other).claim(place, claimOf(attempt), hold)),
      )
      const winners = attempts.filter((_, index) => outcomes[index] === undefined)
      expect(winners).toHaveLength(1)
      for (const outcome of outcomes.filter((one) => one !== undefined))
        expect(outcome).toEqual({ ...claimOf(winners[0]!), state: 'claimed' })
    })

    it('keeps tenants, models and keys apart', async () => {
      const places = [place, { ...place, tenant: 'acme' }, { ...place, model: 'n' }, { ...place, key: 'order-2' }]
      for (const each of places) expect(await store.claim(each, claimOf('a'), hold)).toBeUndefined()
    })

    it('gives every process the answer once it is complete, and not before', async () => {
      await store.claim(place, claimOf('a'), hold)
      expect(await store.complete(place, 'p-a')).toBe(false)
      expect(await store.prepare(place, prepared('a'))).toBe(true)
      expect(await other.claim(place, claimOf('b'), hold)).toEqual({
        ...claimOf('a'),
        state: 'prepared',
        predictionId: 'p-a',
        lapsed: false,
      })
      expect(await store.complete(place, 'p-a')).toBe(true)
      expect(await store.complete(place, 'p-a')).toBe(true)
      const found = await other.claim(place, claimOf('b', { fingerprint: 'g' }), hold)
      const predictions = predictionsOf('a')
      expect(plain(found)).toEqual({ ...claimOf('a'), state: 'answered', predictionId: 'p-a', predictions, answer, delivered: false })
    })

    it('tells every process that an answer was delivered, once it was, and of no other', async () => {
      await store.claim(place, claimOf('a'), hold)
      await store.prepare(place, prepared('a'))
      await store.markDelivered(place, 'p-a')
      await store.complete(place, 'p-a')
      await other.markDelivered(place, 'p-b')
      expect(await store.claim(place, claimOf('b'), hold)).toMatchObject({ state: 'answered', delivered: false })
      for (const _ of [1, 2]) await other.markDelivered(place, 'p-a')
      expect(plain(await store.claim(place, claimOf('b'), hold))).toMatchObject({
        delivered: true,
        answer,
        predictions: predictionsOf('a'),
      })
      await store.markDelivered({ ...place, key: 'unknown' }, 'p-a')
      expect(await store.claim({ ...place, key: 'unknown' }, claimOf('b'), hold)).toBeUndefined()
    })

    it('lets a hold run out, and refuses what its former holder still asks for', async () => {
      await store.claim(place, claimOf('a'), { holdMs: 200 })
      expect(await other.claim(place, claimOf('b'), hold)).toMatchObject({ attempt: 'a' })
      await fixture.pass(300)
      expect(await other.claim(place, claimOf('b'), hold)).toBeUndefined()
      expect(await store.prepare(place, prepared('a'))).toBe(false)
      await store.release(place, 'a')
      expect(await other.prepare(place, prepared('b'))).toBe(true)
      expect(await store.complete(place, 'p-a')).toBe(false)
      expect(await other.complete(place, 'p-b')).toBe(true)
    })

    it('says when the hold of a prepared answer has run out, and gives the key to another only when that is asked for', async () => {
      await store.claim(place, claimOf('a'), { holdMs: 50 })
      await store.prepare(place, prepared('a', 600))
      await fixture.pass(200)
      expect(await other.claim(place, claimOf('b'), hold)).toMatchObject({ state: 'prepared', lapsed: false })
      await fixture.pass(600)
      expect(await other.claim(place, claimOf('b'), hold)).toMatchObject({ state: 'prepared', lapsed: true })
      expect(await other.claim(place, claimOf('b'), { ...hold, over: 'a' })).toBeUndefined()
      expect(await store.complete(place, 'p-a')).toBe(false)
    })

    it('gives a key over from the attempt that is named, and from no other', async () => {
      await store.claim(place, claimOf('a'), hold)
      expect(await other.claim(place, claimOf('c'), { ...hold, over: 'b' })).toMatchObject({ attempt: 'a' })
      expect(await other.claim(place, claimOf('c'), { ...hold, over: 'a' })).toBeUndefined()
      await other.prepare(place, prepared('c'))
      await other.complete(place, 'p-c')
      expect(await store.claim(place, claimOf('d'), { ...hold, over: 'c' })).toMatchObject({ state: 'answered' })
    })

    it('frees a key that is released, unless it is answered', async () => {
      await store.claim(place, claimOf('a'), hold)
      await store.release(place, 'a')
      expect(await other.claim(place, claimOf('b'), hold)).toBeUndefined()
      await other.prepare(place, prepared('b'))
      await other.complete(place, 'p-b')
      await other.release(place, 'b')
      expect(await store.claim(place, claimOf('c'), hold)).toMatchObject({ state: 'answered' })
    })

    it('forgets an answer when its window has ended, counted from the answer', async () => {
      await store.claim(place, claimOf('a'), hold)
      await fixture.pass(3_000)
      await store.prepare(place, prepared('a'))
      await store.complete(place, 'p-a')
      await fixture.pass(3_000)
      expect(await other.claim(place, claimOf('b'), hold)).toMatchObject({ state: 'answered' })
      await fixture.pass(2_500)
      expect(await other.claim(place, claimOf('b'), hold)).toBeUndefined()
    })

    it('takes the keys of a call one after the other: the first of two equal ones has it, whatever the other asks', async () => {
      const [second, third] = [claimOf('b', { fingerprint: 'g' }), claimOf('c')]
      const claims = [claimOf('a'), second, third].map((claim) => ({ place, claim, ...hold }))
      const apart = { place: { ...place, key: 'order-2' }, claim: third, ...hold }
      const held = { ...claimOf('a'), state: 'claimed' }
      expect(await fixture.store.claim([...claims, apart])).toEqual([undefined, held, held, undefined])
    })

    it('has an outcome for each key of a call, in their order', async () => {
      const keys = Array.from({ length: 250 }, (_, index) => ({ ...place, key: `many-${index}` }))
      const isTaken = (index: number) => index % 3 === 0
      await fixture.other.claim(keys.filter((_, index) => isTaken(index)).map((at) => ({ place: at, claim: claimOf('x'), ...hold })))
      const claimed = await fixture.store.claim(keys.map((at, index) => ({ place: at, claim: claimOf(`a-${index}`), ...hold })))
      expect(claimed.map((outcome) => (outcome as Holder | undefined)?.attempt)).toEqual(
        keys.map((_, index) => (isTaken(index) ? 'x' : undefined)),
      )
      const preparations = keys.map((at, index) => ({ place: at, ...prepared(`a-${index}`) }))
      expect(await fixture.store.prepare(preparations)).toEqual(keys.map((_, index) => !isTaken(index)))
      const answered = keys.map((at, index) => ({ place: at, predictionId: `p-a-${index}` }))
      expect(await fixture.store.complete(answered)).toEqual(keys.map((_, index) => !isTaken(index)))
      await fixture.store.markDelivered(answered)
      await fixture.store.release(keys.map((at) => ({ place: at, attempt: 'x' })))
      const found = await fixture.other.claim(keys.map((at) => ({ place: at, claim: claimOf('late'), ...hold })))
      expect(found.map((outcome) => outcome as Holder | undefined).map((holder) => holder && plain(holder))).toEqual(
        keys.map((_, index) => {
          const attempt = `a-${index}`
          const answerOf = { state: 'answered', predictionId: `p-${attempt}`, predictions: predictionsOf(attempt), answer, delivered: true }
          return isTaken(index) ? undefined : { ...claimOf(attempt), ...answerOf }
        }),
      )
    })

    it('keeps an answer as large as one may be, under the longest key, and gives it back byte by byte', async () => {
      const longest = { ...place, key: '~'.repeat(255) }
      const body = Buffer.from(Array.from({ length: 1024 * 1024 }, (_, index) => (index * 7) % 256))
      await store.claim(longest, claimOf('a'), hold)
      await store.prepare(longest, { ...prepared('a'), answer: { ...answer, body } })
      await store.complete(longest, 'p-a')
      const found = plain(await other.claim(longest, claimOf('b'), hold))
      expect(found?.state === 'answered' && body.equals(found.answer.body)).toBe(true)
      expect(await store.claim({ ...place, key: '~'.repeat(254) }, claimOf('b'), hold)).toBeUndefined()
    })

    it('keeps what is said first under an id, whichever process says it, one after the other', async () => {
      const said = (value: string) => ['a', 'b {x}:y'].map((key) => ({ key, value }))
      expect(await store.keepFirst([...said('1'), ...said('2')])).toEqual([undefined, undefined, '1', '1'])
      expect(await other.keepFirst([...said('3'), { key: 'c', value: '\u00fc' }])).toEqual(['1', '1', undefined])
      expect(await store.readFirst(['c', 'd', 'a'])).toEqual(['\u00fc', undefined, '1'])
      const many = Array.from({ length: 1000 }, (_, number) => ({ key: `n${number}`, value: String(number) }))
      const outcomes = await Promise.all([store.keepFirst(many), other.keepFirst(many)])
      for (const [at, { value }] of many.entries())
        expect(new Set(outcomes.map((outcome) => outcome[at]))).toEqual(new Set([value, undefined]))
    })

    it('forgets what was said first when that is asked for and still stands, and when its window has ended', async () => {
      await store.keepFirst([{ key: 'a', value: '1' }])
      await other.forget([
        { key: 'a', value: '2' },
        { key: 'b', value: '1' },
      ])
      expect(await store.readFirst(['a'])).toEqual(['1'])
      await other.forget([{ key: 'a', value: '1' }])
      expect(await store.keepFirst([{ key: 'a', value: '2' }])).toEqual([undefined])
      await fixture.pass(3_000)
      expect(await other.keepFirst([{ key: 'a', value: '3' }])).toEqual(['2'])
      await fixture.pass(2_500)
      expect(await other.keepFirst([{ key: 'a', value: '4' }])).toEqual([undefined])
    })

    it('keeps the highest epoch that a writer has recovered', async () => {
      expect(await store.recoveredEpoch('w')).toBe(0)
      await store.markRecovered('w', 4)
      await other.markRecovered('w', 3)
      expect([await other.recoveredEpoch('w'), await other.recoveredEpoch('v')]).toEqual([4, 0])
    })
  })
}
