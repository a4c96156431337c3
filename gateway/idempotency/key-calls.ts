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

/** What requests ask in one turn of the event loop goes to the store in one call of each kind, all at once: a store may send them together. */
export function createKeyCalls(store: IdempotencyStore): KeyCalls {
  const atEnd = createTurnEnd()
  return {
    claim: gather(atEnd, (claims) => store.claim(claims)),
    prepare: gather(atEnd, (preparations) => store.prepare(preparations)),
    complete: gather(atEnd, (keys) => store.complete(keys)),
    markDelivered: gather(atEnd, (keys) => store.markDelivered(keys)),
    release: gather(atEnd, (keys) => store.release(keys)),
  }
}

type AtTurnEnd = (send: () => void) => void

/** Calls what is to be sent, one after the other without a pause, when all that came in the turn has been looked at. */
function createTurnEnd(): AtTurnEnd {
  let waiting: (() => void)[] = []
  function sendAll(): void {
    const sends = waiting
    waiting = []
    for (const send of sends) send()
  }
  return (send) => {
    if (waiting.length === 0) setImmediate(sendAll)
    waiting.push(send)
  }
}

type Asked<Item, T> = { item: Item; resolve(value: T): void; reject(error: Error): void }

type Send<Item, T> = (items: readonly Item[]) => Promise<readonly Outcome<T>[]>

function gather<Item, T>(atEnd: AtTurnEnd, send: Send<Item, T>): (item: Item) => Promise<T> {
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
      if (waiting.length === 0) atEnd(sendAll)
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
