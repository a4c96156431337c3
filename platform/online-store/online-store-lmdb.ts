import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { open, type RootDatabase } from 'lmdb'
import { ServiceError } from '../../contracts/errors.ts'
import type { AppliedPosition } from '../../contracts/origin.ts'
import { partitionCount, type ScannableOnlineStore, type PartitionCommit, type StoreKey } from './online-store.ts'
import { commonPositions, mergePositions } from './positions.ts'

export type LmdbOnlineStoreOptions = {
  /** Folder of the database; made if it is not there, unless read-only. */
  dir: string
  /** For the gateway: a store that does not exist yet answers `online_store_unavailable` until it does. */
  readOnly?: boolean
}

type Database = RootDatabase<Uint8Array, string>

const decoder = new TextDecoder()
const encoder = new TextEncoder()
const partitions = Array.from({ length: partitionCount }, (_, partition) => partition)

/**
 * The embedded online store: one LMDB database that any number of processes read, in their own memory maps, while
 * one writes. A commit is one transaction over all its partitions, on disk when it resolves.
 */
export function openLmdbOnlineStore(options: LmdbOnlineStoreOptions): ScannableOnlineStore {
  let opened: Database | undefined = options.readOnly === true ? undefined : openDatabase(options)
  const cache = createPositionCache()

  function database(): Database {
    try {
      opened ??= openDatabase(options)
      return opened
    } catch (cause) {
      throw new ServiceError('online_store_unavailable', 'the online store is not there yet', { cause })
    }
  }

  return {
    async read(keys) {
      return translate(() => snapshot(database(), keys, cache))
    },
    async commit(commits) {
      translate(() => writeAll(database(), commits))
    },
    async applied() {
      const db = database()
      return translate(() => {
        db.resetReadTxn()
        return commonPositions(partitions.map((partition) => cache.parse(partition, db.getBinary(positionKey(partition)))))
      })
    },
    async scan(partition, page) {
      const db = database()
      return translate(() => scanKeys(db, partition, page))
    },
    async clear() {
      const db = database()
      translate(() => db.clearSync())
      await db.flushed
    },
    async ping() {
      translate(() => database().doesExist(positionKey(0)))
    },
    async close() {
      await opened?.close()
      opened = undefined
    },
  }
}

function openDatabase({ dir, readOnly }: LmdbOnlineStoreOptions): Database {
  if (readOnly === true && !existsSync(join(dir, 'data.mdb'))) throw new Error(`no database in ${dir}`)
  if (readOnly !== true) mkdirSync(dir, { recursive: true })
  return open<Uint8Array, string>({ path: dir, encoding: 'binary', noSubdir: false, readOnly: readOnly === true, maxReaders: 512 })
}

function dataKey(partition: number, key: string): string {
  return `${String(partition).padStart(2, '0')}:${key}`
}

function positionKey(partition: number): string {
  return `applied:${partition}`
}

function snapshot(
  db: Database,
  keys: readonly StoreKey[],
  cache: PositionCache,
): { values: (Uint8Array | undefined)[]; applied: AppliedPosition[] } {
  // A read transaction lives until it is reset; everything below runs in one, begun now.
  db.resetReadTxn()
  const values = keys.map(({ partition, key }) => db.getBinary(dataKey(partition, key)))
  const read = [...new Set(keys.map((key) => key.partition))]
  return { values, applied: commonPositions(read.map((partition) => cache.parse(partition, db.getBinary(positionKey(partition))))) }
}

function writeAll(db: Database, commits: readonly PartitionCommit[]): void {
  db.transactionSync(() => {
    for (const { partition, values, applied } of commits) {
      for (const [key, value] of values) {
        if (value === undefined) db.removeSync(dataKey(partition, key))
        else db.putSync(dataKey(partition, key), value)
      }
      if (applied.length === 0) continue
      const stored = parsePositions(db.getBinary(positionKey(partition)))
      db.putSync(positionKey(partition), encoder.encode(JSON.stringify(mergePositions(stored, applied))))
    }
  })
}

function scanKeys(
  db: Database,
  partition: number,
  page: { after?: string | undefined; maxKeys: number },
): { keys: string[]; next?: string } {
  db.resetReadTxn()
  const prefix = dataKey(partition, '')
  // ';' is the character after ':': the range holds every key of the partition.
  const start = page.after === undefined ? prefix : `${prefix}${page.after}\u0001`
  const found = [...db.getKeys({ start, end: `${prefix.slice(0, -1)};`, limit: page.maxKeys + 1 })].map((key) => key.slice(prefix.length))
  const keys = found.slice(0, page.maxKeys)
  const last = keys.at(-1)
  return { keys, ...(found.length > page.maxKeys && last !== undefined ? { next: last } : {}) }
}

function parsePositions(bytes: Uint8Array | undefined): AppliedPosition[] {
  return bytes === undefined ? [] : (JSON.parse(decoder.decode(bytes)) as AppliedPosition[])
}

type PositionCache = { parse(partition: number, bytes: Buffer | undefined): AppliedPosition[] }

/** All partitions move together here, so one parsed list serves them all until the bytes change. */
function createPositionCache(): PositionCache {
  let seen: Buffer | undefined
  let positions: AppliedPosition[] = []
  return {
    parse(_partition, bytes) {
      if (bytes === undefined) return []
      if (seen === undefined || !seen.equals(bytes)) {
        seen = bytes
        positions = parsePositions(bytes)
      }
      return positions
    },
  }
}

function translate<T>(action: () => T): T {
  try {
    return action()
  } catch (cause) {
    if (cause instanceof ServiceError) throw cause
    throw new ServiceError('online_store_unavailable', 'the online store does not answer', { cause })
  }
}
