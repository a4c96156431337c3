import type { Database, RootDatabase } from 'lmdb'
import type { FirstValue } from './idempotency-store.ts'

export type FirstValuesLmdb = {
  keep(entry: FirstValue): string | undefined
  read(key: string): string | undefined
  forget(entry: FirstValue): void
  /** Removes what has expired. */
  sweep(): Promise<void>
}

/** The most values that are kept, about 300 MB; beyond it the oldest are removed. */
const mostValues = 1_000_000
const mostPerSweep = 10_000
const timeDigits = 15

/** The first values of an open database; all but `sweep` are called within its transactions. */
export function openFirstValues(
  root: RootDatabase<Uint8Array, string>,
  { windowMs, now, most = mostValues }: { windowMs: number; now: () => number; most?: number },
): FirstValuesLmdb {
  const values = root.openDB<string, string>({ name: 'first_values', encoding: 'string' })
  const expiries = root.openDB<string, string>({ name: 'first_values_expiries', encoding: 'string' })

  function read(key: string): string | undefined {
    const held = values.get(key)
    return held === undefined || Number(held.slice(0, timeDigits)) <= now() ? undefined : held.slice(timeDigits)
  }

  /** Reads the range whole before the first is removed: a range is read while one goes through it. */
  function removeAll(range: Iterable<string>): void {
    const found = [...range]
    for (const expiry of found) {
      const key = expiry.slice(timeDigits)
      if (values.get(key)?.startsWith(expiry.slice(0, timeDigits)) === true) values.removeSync(key)
      expiries.removeSync(expiry)
    }
  }

  return {
    read,
    keep({ key, value }) {
      const held = read(key)
      if (held !== undefined) return held
      const expiresAt = toText(now() + windowMs)
      values.putSync(key, `${expiresAt}${value}`)
      expiries.putSync(`${expiresAt}${key}`, '')
      if (countOf(expiries) > most) removeAll(expiries.getKeys({ limit: 1 }))
      return undefined
    },
    forget({ key, value }) {
      const held = values.get(key)
      if (held === undefined || held.slice(timeDigits) !== value) return
      values.removeSync(key)
      expiries.removeSync(`${held.slice(0, timeDigits)}${key}`)
    },
    async sweep() {
      await root.transaction(() => removeAll(expiries.getKeys({ end: toText(now()), limit: mostPerSweep })))
    },
  }
}

function toText(timeMs: number): string {
  return String(Math.ceil(timeMs)).padStart(timeDigits, '0')
}

function countOf(db: Database<string, string>): number {
  return (db.getStats() as { entryCount: number }).entryCount
}
