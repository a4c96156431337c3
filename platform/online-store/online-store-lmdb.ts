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
  /** Whether the store is only read, as by the gateway: one that does not exist yet answers `online_store_unavailable` until it does. */
  readOnly?: boolean
}

type Database = RootDatabase<Uint8Array, string>

const decoder = new TextDecoder()
const encoder = new TextEncoder()
/** The key of the positions of every partition: it is one key, because here all partitions share one transaction. */
const positionsKey = 'applied'

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
        return commonPositions(cache.parse(db.getBinary(positionsKey)))
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
      translate(() => database().doesExist(positionsKey))
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

function snapshot(
  db: Database,
  keys: readonly StoreKey[],
  cache: PositionCache,
): { values: (Uint8Array | undefined)[]; applied: AppliedPosition[] } {
  // A read transaction lives until it is reset; everything below runs in one, begun now.
  db.resetReadTxn()
  const values = keys.map(({ partition, key }) => db.getBinary(dataKey(partition, key)))
  const positions = cache.parse(db.getBinary(positionsKey))
  const read = [...new Set(keys.map((key) => key.partition))]
  return { values, applied: commonPositions(read.map((partition) => positions[partition] as AppliedPosition[])) }
}

function writeAll(db: Database, commits: readonly PartitionCommit[]): void {
  db.transactionSync(() => {
    const positions = decodePositions(db.getBinary(positionsKey))
    const merged = createMerge()
    for (const { partition, values, applied } of commits) {
      for (const [key, value] of values) {
        if (value === undefined) db.removeSync(dataKey(partition, key))
        else db.putSync(dataKey(partition, key), value)
      }
      if (applied.length > 0) positions[partition] = merged(positions[partition] as AppliedPosition[], applied)
    }
    if (commits.some((commit) => commit.applied.length > 0)) db.putSync(positionsKey, encodePositions(positions))
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

/** The positions of all partitions as they are stored: equal lists once, so that they stay one list when they are read. */
type StoredPositions = { lists: AppliedPosition[][]; of: number[] }

function decodePositions(bytes: Uint8Array | undefined): AppliedPosition[][] {
  const none: AppliedPosition[] = []
  if (bytes === undefined) return Array.from({ length: partitionCount }, () => none)
  const { lists, of } = JSON.parse(decoder.decode(bytes)) as StoredPositions
  return of.map((index) => lists[index] as AppliedPosition[])
}

function encodePositions(positions: readonly AppliedPosition[][]): Uint8Array {
  const lists = [...new Set(positions)]
  const stored: StoredPositions = { lists, of: positions.map((list) => lists.indexOf(list)) }
  return encoder.encode(JSON.stringify(stored))
}

/** Merges the same two lists only once, so that partitions that are alike stay so. */
function createMerge(): (stored: AppliedPosition[], committed: readonly AppliedPosition[]) => AppliedPosition[] {
  const results = new Map<unknown, Map<unknown, AppliedPosition[]>>()
  return (stored, committed) => {
    const byCommitted = results.get(stored) ?? new Map<unknown, AppliedPosition[]>()
    results.set(stored, byCommitted)
    const known = byCommitted.get(committed) ?? mergePositions(stored, committed)
    byCommitted.set(committed, known)
    return known
  }
}

type PositionCache = { parse(bytes: Buffer | undefined): AppliedPosition[][] }

/** Parses only what differs from the last time: the gateway reads thousands of times between two commits. */
function createPositionCache(): PositionCache {
  let seen: Buffer | undefined
  let positions = decodePositions(undefined)
  return {
    parse(bytes) {
      if (bytes === undefined) return decodePositions(undefined)
      if (seen === undefined || !seen.equals(bytes)) {
        seen = bytes
        positions = decodePositions(bytes)
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
