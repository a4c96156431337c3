import type { LogRecord } from '../platform/event-log/event-log.ts'
import type { Warehouse } from '../platform/warehouse/warehouse.ts'
import { decode } from './decode.ts'
import { insertRows } from './insert-rows.ts'
import type { Outcome } from './outcome.ts'
import { toDeliveredRows } from './rows/delivered-rows.ts'
import { toRejectRow } from './rows/reject-row.ts'
import { type BronzeTable, bronzeTables } from './rows/stamp.ts'

type Entry = { record: LogRecord; outcome: Outcome }

export type BatchResult = {
  /** Records whose fate is stored: they may be confirmed. */
  settled: LogRecord[]
  /** How many came to each end; `dead` also by code. */
  outcomes: Record<Outcome['kind'], number>
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

/** Stores a batch, however often it takes, and says what became of each record. */
export async function writeBatch(records: readonly LogRecord[], deps: WriteBatchDeps): Promise<BatchResult> {
  const entries = records.map((record): Entry => ({ record, outcome: decode(record) }))
  const stored = new Set<BronzeTable>()
  for (let attempt = 1; ; attempt++) {
    try {
      await storeEntries({ entries, stored, attempt, deps })
      return settle(entries)
    } catch (error) {
      const pauseMs = backOffMs(attempt)
      deps.onRetry?.({ attempt, pauseMs, error })
      if (!deps.givenUp()) await deps.pause(pauseMs)
      if (deps.givenUp()) return settle(entries.map(({ record }) => ({ record, outcome: { kind: 'retry', error } })))
    }
  }
}

type Store = { entries: Entry[]; stored: Set<BronzeTable>; attempt: number; deps: WriteBatchDeps }

async function storeEntries({ entries, stored, attempt, deps }: Store): Promise<void> {
  for (const table of bronzeTables) {
    if (stored.has(table)) continue
    if (table === 'bronze.delivered') {
      await storeDelivered(entries, { attempt, deps })
      continue
    }
    const rows = rowsOf(table, entries)
    const refused = rows.length === 0 ? [] : await timedInsert(table, rows, { attempt, deps })
    for (const { entry, message } of refused) entry.outcome = { kind: 'dead', reason: { code: 'invalid_event', message } }
    // A record that this table refused has its place in rejects, which comes after.
    stored.add(table)
  }
}

async function storeDelivered(entries: readonly Entry[], { attempt, deps }: Pick<Store, 'attempt' | 'deps'>): Promise<void> {
  const rows = toDeliveredRows(
    entries.flatMap(({ record, outcome }) => {
      if (outcome.kind === 'ok') return [{ origin: record.origin, retentionUntil: outcome.retentionUntil }]
      return outcome.kind === 'dead' ? [{ origin: record.origin }] : []
    }),
  )
  if (rows.length === 0) return
  const [refused] = await insertRows({ warehouse: deps.warehouse, table: 'bronze.delivered', rows, attempt })
  if (refused !== undefined) throw refused.error
}

type EntryRow = { entry: Entry; row: object }

function rowsOf(table: BronzeTable, entries: readonly Entry[]): EntryRow[] {
  return entries.flatMap((entry): EntryRow[] => {
    const { outcome, record } = entry
    if (outcome.kind === 'ok') return outcome.rows.filter((row) => row.table === table).map(({ row }) => ({ entry, row }))
    return outcome.kind === 'dead' && table === 'bronze.rejects' ? [{ entry, row: toRejectRow(record, outcome.reason) }] : []
  })
}

async function timedInsert(table: BronzeTable, rows: readonly EntryRow[], { attempt, deps }: Pick<Store, 'attempt' | 'deps'>) {
  const startedAt = performance.now()
  const refused = await insertRows({ warehouse: deps.warehouse, table, rows: rows.map(({ row }) => row), attempt })
  deps.onInsert?.({ table, rows: rows.length - refused.length, seconds: (performance.now() - startedAt) / 1000 })
  if (refused.length > 0 && table === 'bronze.rejects') throw refused[0]!.error
  return refused.map(({ index, error }) => ({ entry: rows[index]!.entry, message: `the warehouse refused the row: ${error.message}` }))
}

function settle(entries: readonly Entry[]): BatchResult {
  const result: BatchResult = { settled: [], outcomes: { ok: 0, retry: 0, dead: 0, drop: 0 }, rejects: {} }
  for (const { record, outcome } of entries) {
    result.outcomes[outcome.kind]++
    switch (outcome.kind) {
      case 'ok':
      case 'drop':
        result.settled.push(record)
        break
      case 'dead':
        result.settled.push(record)
        result.rejects[outcome.reason.code] = (result.rejects[outcome.reason.code] ?? 0) + 1
        break
      case 'retry':
        break
      default:
        outcome satisfies never
    }
  }
  return result
}

/** Doubles from a quarter of a second, short against the outages it bridges, to 15 s, so that a recovered warehouse is soon used. */
function backOffMs(attempt: number): number {
  return Math.min(15_000, 250 * 2 ** (attempt - 1))
}
