import { createClient } from '@clickhouse/client'
import type { LogRecord } from '../../platform/event-log/event-log.ts'
import { decode } from '../../logger/pipeline/decode.ts'
import { toDeliveredRows } from '../../platform/schema/rows/delivered-rows.ts'
import { insertSettings } from '../../platform/schema/rows/tables.ts'
import type { FreshEvent } from './fresh-events.ts'
import { warehousePassword } from './service-process.ts'

type Batch = { table: string; rows: object[] }[]

/** The settings of an insert as the logger sends them. */
const settings = { ...insertSettings, date_time_input_format: 'best_effort' } as const
const tables = ['bronze.prediction_payloads', 'bronze.prediction_events']

/**
 * Records per second when `@clickhouse/client` inserts finished rows into the same tables, in batches of the logger's size,
 * one insert after the other. What turns records into rows is not part of the time.
 */
export async function clientAlone(options: {
  url: string
  events: readonly FreshEvent[]
  batchRows: number
  writerId: string
}): Promise<number> {
  const { url, events, batchRows, writerId } = options
  const batches: Batch[] = []
  for (let from = 0; from < events.length; from += batchRows)
    batches.push(toBatch(events.slice(from, from + batchRows), { from, writerId }))
  const client = createClient({ url, password: warehousePassword, clickhouse_settings: settings })
  try {
    await client.ping()
    const began = performance.now()
    for (const batch of batches) {
      for (const { table, rows } of batch) await client.insert({ table, values: rows, format: 'JSONEachRow' })
    }
    return events.length / ((performance.now() - began) / 1000)
  } finally {
    await client.close()
  }
}

function toBatch(events: readonly FreshEvent[], { from, writerId }: { from: number; writerId: string }): Batch {
  const records = events.map(({ id, payload }, index): LogRecord => {
    const origin = { writer_id: writerId, epoch: 1, lane: 'predictions' as const, seq: from + index + 1 }
    return { origin, kind: 'event', id, appendedAtMs: Date.now(), payload: Buffer.from(payload) }
  })
  const outcomes = records.map(decode)
  const rowsOf = (table: string) =>
    outcomes.flatMap((outcome) => (outcome.kind === 'ok' ? outcome.rows.filter((row) => row.table === table) : []))
  const delivered = records.map(({ origin }, index) => {
    const outcome = outcomes[index]!
    return { origin, retentionUntil: outcome.kind === 'ok' ? outcome.retentionUntil : undefined }
  })
  return [
    ...tables.map((table) => ({ table, rows: rowsOf(table).map(({ row }) => row) })),
    { table: 'bronze.delivered', rows: toDeliveredRows(delivered) },
  ]
}
