import type { LogRecord } from '../../platform/event-log/event-log.ts'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import { insertRows, type RefusedRow } from './insert-rows.ts'
import type { Disposition } from './disposition.ts'
import type { BatchEntry, PreparedBatch } from './prepare-batch.ts'
import { toDeliveredRows } from '../../platform/schema/rows/delivered-rows.ts'
import { toSettledRows } from '../../platform/schema/rows/settled-rows.ts'
import { backOffMs } from '../../platform/service/retry.ts'
import { type BronzeTable, bronzeTables } from '../../platform/schema/rows/tables.ts'

export type BatchResult = {
  /** The records whose disposition is stored, so that they may be confirmed. */
  settled: LogRecord[]
  /** How many came to each end; `dead` also by code. */
  dispositions: Record<Disposition['kind'], number>
  rejects: Record<string, number>
}

export type WriteBatchDeps = {
  warehouse: Pick<Warehouse, 'insert'>
  /** Resolves after the pause, or at once when work is to be given up. */
  pause: (ms: number) => Promise<void>
  /** True once nothing more is to be retried: what is not stored then stays in the log. */
  givenUp: () => boolean
  onInsert?: (event: { table: BronzeTable; rows: number; seconds: number }) => void
  onRetry?: (event: { attempt: number; pauseMs: number; error: unknown }) => void
}

/** The first pause is short against the outages it bridges, the longest lets a recovered warehouse be used soon. */
const backOff = { firstMs: 250, mostMs: 15_000 }

/** Stores a batch, however often it takes, and says what became of each record. */
export async function storeBatch(batch: PreparedBatch, deps: WriteBatchDeps): Promise<BatchResult> {
  const stored: StoredRows = { tables: new Set(), rejects: 0 }
  for (let attempt = 1; ; attempt++) {
    try {
      await storeTables({ batch, stored, attempt, deps })
      // The memory is given back only after a first attempt: an insert that failed may still hold on to its bytes.
      if (attempt === 1) batch.release()
      return settle(batch.entries)
    } catch (error) {
      const pauseMs = backOffMs(attempt, backOff)
      deps.onRetry?.({ attempt, pauseMs, error })
      if (!deps.givenUp()) await deps.pause(pauseMs)
      if (deps.givenUp()) return settle(batch.entries.map(({ record }) => ({ record, disposition: { kind: 'retry', error } })))
    }
  }
}

/** What earlier attempts have stored, and is not sent again: whole tables, and so many lines of rejects. */
type StoredRows = { tables: Set<BronzeTable>; rejects: number }
type StoreAttempt = { batch: PreparedBatch; stored: StoredRows; attempt: number; deps: WriteBatchDeps }

/** Stores every table in order: seals come after the records that they count, and a refused one has its place in rejects all the same. */
async function storeTables(store: StoreAttempt): Promise<void> {
  for (const table of eventTables) await storeRows(table, store)
  await storeRejects(store)
  await storeRows('bronze.seals', store)
  await storeRejects(store)
  await storeSettled(store)
  await storeDelivered(store)
}

const eventTables = bronzeTables.filter((table) => /_(payloads|events|fates)$/.test(table))

async function storeRows(table: BronzeTable, store: StoreAttempt): Promise<void> {
  const { batch, stored } = store
  if (stored.tables.has(table)) return
  for (const { first, end } of runsToStore(batch.linesOf(table).entries)) {
    for (const { index, error } of await timedInsert({ ...store, table, first, end })) {
      const entry = batch.linesOf(table).entries[first + index]!
      batch.reject(entry, { code: 'invalid_event', message: `the warehouse refused the row: ${error.message}` })
    }
  }
  stored.tables.add(table)
}

/** The runs of rows that are stored in one insert each: all rows in one, but for those that an earlier table refused. */
function runsToStore(entries: readonly BatchEntry[]): { first: number; end: number }[] {
  const refused = entries.flatMap(({ disposition }, index) => (disposition.kind === 'ok' ? [] : [index]))
  const starts = [0, ...refused.map((index) => index + 1)]
  return starts.map((first, run) => ({ first, end: refused[run] ?? entries.length })).filter(({ first, end }) => first < end)
}

async function storeRejects(store: StoreAttempt): Promise<void> {
  const { batch, stored } = store
  const end = batch.linesOf('bronze.rejects').lines.length
  const [refused] = await timedInsert({ ...store, table: 'bronze.rejects', first: stored.rejects, end })
  if (refused !== undefined) throw refused.error
  stored.rejects = end
}

/** Stores `settled_through` after the fates: a prediction below it without a fate was answered. */
async function storeSettled({ batch, attempt, deps }: StoreAttempt): Promise<void> {
  const rows = toSettledRows(batch.entries.map(({ record }) => record))
  if (rows.length === 0) return
  const [refused] = await insertRows({ warehouse: deps.warehouse, table: 'bronze.settled', rows, attempt })
  if (refused !== undefined) throw refused.error
}

async function storeDelivered({ batch, attempt, deps }: StoreAttempt): Promise<void> {
  const rows = toDeliveredRows(
    batch.entries.flatMap(({ record, disposition }) => {
      if (disposition.kind === 'ok') return [{ origin: record.origin, retentionUntil: disposition.retentionUntil }]
      return disposition.kind === 'dead' ? [{ origin: record.origin }] : []
    }),
  )
  if (rows.length === 0) return
  const [refused] = await insertRows({ warehouse: deps.warehouse, table: 'bronze.delivered', rows, attempt })
  if (refused !== undefined) throw refused.error
}

async function timedInsert(lines: StoreAttempt & { table: BronzeTable; first: number; end: number }): Promise<RefusedRow[]> {
  const { batch, attempt, deps, table, first, end } = lines
  if (first === end) return []
  const { lines: all } = batch.linesOf(table)
  const rows = { length: end - first, slice: (from: number, to: number) => all.slice(first + from, first + to) }
  const startedAt = performance.now()
  const refused = await insertRows({ warehouse: deps.warehouse, table, rows, attempt })
  deps.onInsert?.({ table, rows: rows.length - refused.length, seconds: (performance.now() - startedAt) / 1000 })
  return refused
}

function settle(entries: readonly BatchEntry[]): BatchResult {
  const result: BatchResult = { settled: [], dispositions: { ok: 0, retry: 0, dead: 0, drop: 0 }, rejects: {} }
  for (const { record, disposition } of entries) {
    result.dispositions[disposition.kind]++
    switch (disposition.kind) {
      case 'ok':
      case 'drop':
        result.settled.push(record)
        break
      case 'dead':
        result.settled.push(record)
        result.rejects[disposition.reason.code] = (result.rejects[disposition.reason.code] ?? 0) + 1
        break
      case 'retry':
        break
      default:
        disposition satisfies never
    }
  }
  return result
}
