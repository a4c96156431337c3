import { mkdirSync } from 'node:fs'
import { open, type RootDatabase } from 'lmdb'
import { ServiceError } from '../../contracts/errors.ts'
import { openFirstValues, type FirstValuesLmdb } from './first-values-lmdb.ts'
import { decodeEntry, encodeEntry, type Entry } from './entry-codec.ts'
import type { Holder, IdempotencyStore, KeyPlace, Outcome } from './idempotency-store.ts'

type Database = RootDatabase<Uint8Array, string>

const sweepEveryMs = 10_000
const mostPerSweep = 10_000
const timeDigits = 15
const itemsPerTurn = 100

/**
 * The embedded store: one LMDB database that every gateway on the machine opens. A call is a transaction, atomic among them; an answer is
 * on disk before it goes out, all else need only survive the process. Opened when it is first used: a gateway starts on a full disk.
 */
export function openLmdbIdempotencyStore(options: { dir: string; windowMs: number; now: () => number }): IdempotencyStore {
  const { dir, windowMs, now } = options
  let opened: Database | undefined
  let first: FirstValuesLmdb | undefined
  const sweeper = setInterval(() => {
    if (opened !== undefined) sweep(opened, now()).catch(() => undefined)
    first?.sweep().catch(() => undefined)
  }, sweepEveryMs).unref()

  /** Goes through the items in turns of the event loop, so that a thousand keys do not keep it. */
  async function inTurns<Item, T>(items: readonly Item[], action: (db: Database, item: Item) => T): Promise<T[]> {
    if (items.length <= itemsPerTurn) return transact((db) => items.map((item) => action(db, item)))
    const results: T[] = []
    for (let from = 0; from < items.length; from += itemsPerTurn) {
      const turn = items.slice(from, from + itemsPerTurn)
      results.push(...(await transact((db) => turn.map((item) => action(db, item)))))
    }
    return results
  }

  /** Does the action for each key. When a key cannot be read or written, only its own outcome is an error. */
  function forEachKey<Item, T>(items: readonly Item[], action: (db: Database, item: Item) => T): Promise<Outcome<T>[]> {
    return inTurns(items, (db, item): Outcome<T> => {
      try {
        return action(db, item)
      } catch (cause) {
        return unavailable(cause)
      }
    })
  }

  const firstValues = (db: Database) => (first ??= openFirstValues(db, { windowMs, now }))

  async function transact<T>(action: (db: Database) => T): Promise<T> {
    try {
      const db = (opened ??= openDatabase(dir))
      return (await db.transaction(() => action(db))) as T
    } catch (cause) {
      throw unavailable(cause)
    }
  }

  function read(db: Database, place: KeyPlace): Entry | undefined {
    const bytes = db.getBinary(entryKey(place))
    const entry = bytes && decodeEntry(bytes)
    return entry !== undefined && entry.expiresAtMs > now() ? entry : undefined
  }

  /** Writes the key with its place in the index by expiry. An older place there stays until it is swept, when the key is looked at again. */
  function write(db: Database, place: KeyPlace, entry: Entry): void {
    db.putSync(entryKey(place), encodeEntry(entry))
    db.putSync(expiryKey(entry.expiresAtMs, entryKey(place)), new Uint8Array())
  }

  return {
    claim: (claims) =>
      forEachKey(claims, (db, { place, claim, holdMs, over }) => {
        const held = read(db, place)
        if (held !== undefined && !mayTake(held, { nowMs: now(), over })) return toHolder(held, now())
        write(db, place, { ...claim, state: 'claimed', heldUntilMs: now() + holdMs, expiresAtMs: now() + windowMs })
        return undefined
      }),
    prepare: (preparations) =>
      forEachKey(preparations, (db, { place, attempt, predictionId, predictions, answer, holdMs }) => {
        const held = read(db, place)
        if (held?.state !== 'claimed' || held.attempt !== attempt) return false
        write(db, place, { ...held, state: 'prepared', predictionId, predictions, answer, heldUntilMs: now() + holdMs })
        return true
      }),
    async complete(keys) {
      const done = await forEachKey(keys, (db, { place, predictionId }) => {
        const held = read(db, place)
        if (held === undefined || held.predictionId !== predictionId) return false
        if (held.state === 'prepared') write(db, place, { ...held, state: 'answered', expiresAtMs: now() + windowMs })
        return true
      })
      await opened?.flushed
      return done
    },
    markDelivered: (keys) =>
      forEachKey(keys, (db, { place, predictionId }) => {
        const held = read(db, place)
        if (held?.state === 'answered' && held.predictionId === predictionId)
          db.putSync(entryKey(place), encodeEntry({ ...held, delivered: true }))
      }),
    release: (keys) =>
      forEachKey(keys, (db, { place, attempt }) => {
        const held = read(db, place)
        if (held !== undefined && held.state !== 'answered' && held.attempt === attempt) db.removeSync(entryKey(place))
      }),
    markRecovered: (writerId, epoch) =>
      transact((db) => {
        if (epochOf(db, writerId) < epoch) db.putSync(recoveredKey(writerId), Buffer.from(String(epoch)))
      }),
    recoveredEpoch: (writerId) => transact((db) => epochOf(db, writerId)),
    keepFirst: (entries) => inTurns(entries, (db, entry) => firstValues(db).keep(entry)),
    readFirst: (keys) => inTurns(keys, (db, key) => firstValues(db).read(key)),
    async forget(entries) {
      await inTurns(entries, (db, entry) => firstValues(db).forget(entry))
    },
    async close() {
      clearInterval(sweeper)
      await opened?.close()
    },
  }
}

function unavailable(cause: unknown): ServiceError {
  return new ServiceError('idempotency_unavailable', 'the store of idempotency keys cannot be written', { cause })
}

function openDatabase(dir: string): Database {
  mkdirSync(dir, { recursive: true })
  return open({ path: dir, encoding: 'binary', noSubdir: false, maxReaders: 512 })
}

/** Removes what has expired. */
export async function sweep(db: Database, nowMs: number): Promise<void> {
  const range = { start: 'x:', end: expiryKey(nowMs, ''), limit: mostPerSweep }
  await db.transaction(() => {
    // The range is read whole before the first key is removed: it is read while one goes through it.
    const expired = [...db.getKeys(range)]
    for (const key of expired) {
      const place = key.slice('x:'.length + timeDigits + 1)
      const bytes = db.getBinary(place)
      if (bytes !== undefined && decodeEntry(bytes).expiresAtMs <= nowMs) db.removeSync(place)
      db.removeSync(key)
    }
  })
}

function entryKey({ tenant, model, key }: KeyPlace): string {
  return `k:${tenant}:${model}:${key}`
}

function expiryKey(expiresAtMs: number, key: string): string {
  return `x:${String(Math.ceil(expiresAtMs)).padStart(timeDigits, '0')}:${key}`
}

function recoveredKey(writerId: string): string {
  return `r:${writerId}`
}

function epochOf(db: Database, writerId: string): number {
  return Number(db.getBinary(recoveredKey(writerId))?.toString() ?? 0)
}

const noPredictions = { ids: [], retentionUntil: '' }

function mayTake({ state, attempt, heldUntilMs }: Entry, { nowMs, over }: { nowMs: number; over: string | undefined }): boolean {
  if (state === 'answered') return false
  return attempt === over || (state === 'claimed' && heldUntilMs <= nowMs)
}

function toHolder({ state, predictionId = '', heldUntilMs, answer, ...entry }: Entry, nowMs: number): Holder {
  const { attempt, fingerprint, writerId, epoch, predictions = noPredictions, delivered = false } = entry
  const claim = { attempt, fingerprint, writerId, epoch }
  if (state === 'answered' && answer !== undefined) return { ...claim, state, predictionId, predictions, answer, delivered }
  return state === 'claimed' ? { ...claim, state } : { ...claim, state: 'prepared', predictionId, lapsed: heldUntilMs <= nowMs }
}
