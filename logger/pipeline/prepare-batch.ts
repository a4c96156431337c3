import { setImmediate as breathe } from 'node:timers/promises'
import type { LogRecord } from '../../platform/event-log/event-log.ts'
import { type BufferPool, createBufferPool } from './buffer-pool.ts'
import { decode } from './decode.ts'
import { createJsonLines, type JsonLines } from './json-lines.ts'
import type { Disposition } from './disposition.ts'
import { toRejectRow } from '../../platform/schema/rows/reject-row.ts'
import type { BronzeTable, TableRow } from '../../platform/schema/rows/tables.ts'

/** What became of a record so far; the rows of one that is `ok` lie in the batch. */
export type EntryDisposition = Exclude<Disposition, { kind: 'ok' }> | Omit<Extract<Disposition, { kind: 'ok' }>, 'rows'>
export type BatchEntry = { record: LogRecord; disposition: EntryDisposition }

/** The rows that a table is to get: each line is a row of the entry at the same place. */
export type TableLines = { lines: JsonLines; entries: BatchEntry[] }

/** Records that need nothing more but to be stored: decoded, and encoded for the warehouse. */
export type PreparedBatch = {
  entries: readonly BatchEntry[]
  linesOf(table: BronzeTable): TableLines
  /** Sends a record to rejects, and to no table that has not had its rows yet. */
  reject(entry: BatchEntry, reason: Extract<EntryDisposition, { kind: 'dead' }>['reason']): void
  /** Gives the memory of the lines back; nothing may read them any more. */
  release(): void
}

/** About 10 ms of work: the answers to the inserts of the batch before must not wait for all of this one. */
const sliceRecords = 250

/** The most bytes of a payload's row per byte of the payload, whose quotes are escaped in it; an event's row is smaller. */
const growth = 1.5

/** Decodes and encodes in slices, so that it may go on while another batch is inserted. */
export async function prepareBatch(records: readonly LogRecord[], pool: BufferPool = createBufferPool()): Promise<PreparedBatch> {
  const entries: BatchEntry[] = []
  const tables = new Map<BronzeTable, TableLines>()
  const expectedBytes = 4096 + growth * records.reduce((sum, { payload }) => sum + payload.length, 0)

  function linesOf(table: BronzeTable): TableLines {
    const known = tables.get(table)
    if (known !== undefined) return known
    const created = { lines: createJsonLines(pool, expectedBytes), entries: [] }
    tables.set(table, created)
    return created
  }

  function add(entry: BatchEntry, { table, row }: TableRow): void {
    const { lines, entries: owners } = linesOf(table)
    lines.add(row)
    owners.push(entry)
  }

  const reject: PreparedBatch['reject'] = (entry, reason) => {
    entry.disposition = { kind: 'dead', reason }
    add(entry, { table: 'bronze.rejects', row: toRejectRow(entry.record, reason) })
  }

  for (const record of records) {
    const disposition = decode(record)
    const entry: BatchEntry = { record, disposition: withoutRows(disposition) }
    entries.push(entry)
    if (disposition.kind === 'ok') for (const row of disposition.rows) add(entry, row)
    else if (disposition.kind === 'dead') reject(entry, disposition.reason)
    if (entries.length % sliceRecords === 0) await breathe()
  }
  const release = () => {
    for (const { lines } of tables.values()) lines.release()
  }
  return { entries, linesOf, reject, release }
}

function withoutRows(disposition: Disposition): EntryDisposition {
  if (disposition.kind !== 'ok') return disposition
  const { rows: _, ...rest } = disposition
  return rest
}
