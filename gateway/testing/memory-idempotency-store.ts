import type { Entry } from '../idempotency/entry-codec.ts'
import { ServiceError } from '../../contracts/errors.ts'
import type { Holder, IdempotencyStore, KeyPlace } from '../idempotency/idempotency-store.ts'

type KeyCall = 'claim' | 'prepare' | 'complete' | 'markDelivered' | 'release'

/**
 * The store in memory, for tests, whose `entries` may be changed. `fail` makes a kind of call throw until `heal`; `holdNext` lets the next
 * one wait until what it returns is called.
 */
export function createMemoryIdempotencyStore() {
  const entries = new Map<string, Entry>()
  const first = new Map<string, string>()
  const epochs = new Map<string, number>()
  const gates = new Map<keyof IdempotencyStore, Promise<void>>()
  const failing = new Set<keyof IdempotencyStore>()
  const failingKeys = new Map<KeyCall, Set<string>>()
  const calls: { call: KeyCall; keys: string[] }[] = []
  const keyOf = ({ tenant, model, key }: KeyPlace) => `${tenant}/${model}/${key}`

  async function reach(call: keyof IdempotencyStore): Promise<void> {
    const gate = gates.get(call)
    gates.delete(call)
    await gate
    if (failing.has(call)) throw new ServiceError('idempotency_unavailable', 'the test says so')
  }

  async function each<Item extends { place: KeyPlace }, T>(call: KeyCall, items: readonly Item[], action: (item: Item) => T) {
    calls.push({ call, keys: items.map(({ place }) => place.key) })
    await reach(call)
    return items.map((item) => {
      if (failingKeys.get(call)?.has(item.place.key) === true) return new ServiceError('idempotency_unavailable', 'the test says so')
      return action(item)
    })
  }

  const store: IdempotencyStore = {
    claim: (claims) =>
      each('claim', claims, ({ place, claim, holdMs, over }) => {
        const held = entries.get(keyOf(place))
        const isLapsed = held !== undefined && held.heldUntilMs <= Date.now()
        if (held !== undefined && (held.state === 'answered' || (held.attempt !== over && !(held.state === 'claimed' && isLapsed))))
          return { ...held, lapsed: isLapsed, delivered: held.delivered ?? false } as unknown as Holder
        entries.set(keyOf(place), { ...claim, state: 'claimed', heldUntilMs: Date.now() + holdMs, expiresAtMs: Infinity })
        return undefined
      }),
    prepare: (preparations) =>
      each('prepare', preparations, ({ place, attempt, predictionId, predictions, answer, holdMs }) => {
        const held = entries.get(keyOf(place))
        if (held?.state !== 'claimed' || held.attempt !== attempt) return false
        entries.set(keyOf(place), { ...held, state: 'prepared', predictionId, predictions, answer, heldUntilMs: Date.now() + holdMs })
        return true
      }),
    complete: (keys) =>
      each('complete', keys, ({ place, predictionId }) => {
        const held = entries.get(keyOf(place))
        if (held?.predictionId !== predictionId) return false
        held.state = 'answered'
        return true
      }),
    markDelivered: (keys) =>
      each('markDelivered', keys, ({ place, predictionId }) => {
        const held = entries.get(keyOf(place))
        if (held?.state === 'answered' && held.predictionId === predictionId) held.delivered = true
      }),
    release: (keys) =>
      each('release', keys, ({ place, attempt }) => {
        const held = entries.get(keyOf(place))
        if (held?.attempt === attempt && held.state !== 'answered') entries.delete(keyOf(place))
      }),
    async keepFirst(list) {
      await reach('keepFirst')
      return list.map(({ key, value }) => {
        const held = first.get(key)
        if (held === undefined) first.set(key, value)
        return held
      })
    },
    async readFirst(keys) {
      await reach('readFirst')
      return keys.map((key) => first.get(key))
    },
    async forget(list) {
      for (const { key, value } of list) if (first.get(key) === value) first.delete(key)
    },
    markRecovered: async (writerId, epoch) => void epochs.set(writerId, epoch),
    recoveredEpoch: async (writerId) => epochs.get(writerId) ?? 0,
    close: async () => {},
  }
  return {
    store,
    entries,
    /** Every call about keys, with the keys that it was about. */
    calls,
    first,
    fail: (call: keyof IdempotencyStore) => void failing.add(call),
    /** Lets one key of a kind of call fail, until `heal`. */
    failFor: (call: KeyCall, key: string) => void failingKeys.set(call, new Set(failingKeys.get(call)).add(key)),
    heal() {
      failing.clear()
      failingKeys.clear()
    },
    holdNext(call: keyof IdempotencyStore): () => void {
      let release = () => {}
      gates.set(call, new Promise((resolve) => (release = resolve)))
      return () => release()
    },
  }
}
