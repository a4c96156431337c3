import { ServiceError } from '../../contracts/errors.ts'
import type { AnsweredKey, ClaimRequest, HeldKey, Holder, IdempotencyStore, Outcome, Preparation } from './idempotency-store.ts'

/** What one request asks of the store of keys, about its own key. */
export type KeyCalls = {
  claim(claim: ClaimRequest): Promise<Holder | undefined>
  prepare(preparation: Preparation): Promise<boolean>
  complete(key: AnsweredKey): Promise<boolean>
  markDelivered(key: AnsweredKey): Promise<void>
  release(key: HeldKey): Promise<void>
}

/** What requests ask in one turn of the event loop goes to the store in one call of each kind. */
export function createKeyCalls(store: IdempotencyStore): KeyCalls {
  return {
    claim: gather((claims) => store.claim(claims)),
    prepare: gather((preparations) => store.prepare(preparations)),
    complete: gather((keys) => store.complete(keys)),
    markDelivered: gather((keys) => store.markDelivered(keys)),
    release: gather((keys) => store.release(keys)),
  }
}

type Asked<Item, T> = { item: Item; resolve(value: T): void; reject(error: Error): void }

function gather<Item, T>(send: (items: readonly Item[]) => Promise<readonly Outcome<T>[]>): (item: Item) => Promise<T> {
  let waiting: Asked<Item, T>[] = []

  function sendAll(): void {
    const asked = waiting
    waiting = []
    send(asked.map(({ item }) => item)).then(
      (outcomes) => tell(asked, outcomes),
      (error: Error) => {
        for (const { reject } of asked) reject(error)
      },
    )
  }

  return (item) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) setImmediate(sendAll)
      waiting.push({ item, resolve, reject })
    })
}

function tell<Item, T>(asked: readonly Asked<Item, T>[], outcomes: readonly Outcome<T>[]): void {
  for (let at = 0; at < asked.length; at++) {
    const { resolve, reject } = asked[at]!
    const outcome = outcomes[at] as Outcome<T>
    if (outcome instanceof ServiceError) reject(outcome)
    else resolve(outcome)
  }
}
