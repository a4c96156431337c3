import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Claim, Holder, IdempotencyStore, KeyPlace } from './idempotency-store.ts'

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

/** The holder with its body as plain bytes, whatever buffer it came in. */
const plain = (holder: Holder | undefined) =>
  holder?.state === 'answered' ? { ...holder, answer: { ...holder.answer, body: Buffer.from(holder.answer.body) } } : holder

/** What every store of idempotency keys does; `windowMs` of its fixtures is 5,000. */
export function describeIdempotencyStore(name: string, open: () => Promise<StoreFixture>): void {
  describe(name, () => {
    let fixture: StoreFixture
    let { store, other } = {} as StoreFixture
    beforeEach(async () => {
      fixture = await open()
      ;({ store, other } = fixture)
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
