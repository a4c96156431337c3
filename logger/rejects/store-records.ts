import { toRejectPayload } from '../../platform/schema/rows/reject-row.ts'
import type { LogRecord } from '../../platform/event-log/event-log.ts'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import { decode } from '../pipeline/decode.ts'
import { insertRows } from '../pipeline/insert-rows.ts'
import type { Disposition } from '../pipeline/disposition.ts'
import { bronzeTables } from '../../platform/schema/rows/tables.ts'
import { parseRejectId, type RejectWithBytes } from './reject.ts'
import type { RetryResult } from './send-items.ts'

type DecodedReject = { reject: RejectWithBytes; disposition: Extract<Disposition, { kind: 'ok' }> }

/**
 * Decodes records again as this build does, and stores those that parse now, under their own origin: doing so twice
 * leaves one row. The records stay in `rejects` and are stored there as far as `reconcile` is concerned.
 */
export async function storeRecords(warehouse: Pick<Warehouse, 'insert'>, rejects: readonly RejectWithBytes[]): Promise<RetryResult[]> {
  const decoded = rejects.map((reject) => ({ reject, disposition: decode(toRecord(reject)) }))
  const entries = decoded.flatMap(({ reject, disposition: outcome }): DecodedReject[] =>
    outcome.kind === 'ok' ? [{ reject, disposition: outcome }] : [],
  )
  const refusals = await store(warehouse, entries)
  return decoded.map(({ reject, disposition: outcome }): RetryResult => {
    if (outcome.kind === 'dead') {
      const { code, message, path } = outcome.reason
      return { reject, outcome: 'refused', code, message: path === undefined ? message : `${path}: ${message}` }
    }
    const refusal = refusals.get(reject)
    if (refusal !== undefined || outcome.kind !== 'ok')
      return { reject, outcome: 'refused', code: 'invalid_event', message: refusal ?? 'the record has no origin' }
    return { reject, outcome: 'stored', event_id: reject.event_id }
  })
}

async function store(warehouse: Pick<Warehouse, 'insert'>, entries: readonly DecodedReject[]): Promise<Map<RejectWithBytes, string>> {
  const refusals = new Map<RejectWithBytes, string>()
  for (const table of bronzeTables) {
    const own = entries.flatMap(({ reject, disposition: outcome }) =>
      outcome.rows.filter((row) => row.table === table && !refusals.has(reject)).map(({ row }) => ({ reject, row })),
    )
    if (own.length === 0) continue
    const refused = await insertRows({ warehouse, table, rows: own.map(({ row }) => row), attempt: 1 })
    for (const { index, error } of refused) refusals.set(own[index]!.reject, `the warehouse refused the row: ${error.message}`)
  }
  return refusals
}

function toRecord(reject: RejectWithBytes): LogRecord {
  return {
    origin: parseRejectId(reject.id),
    kind: reject.kind,
    id: reject.event_id,
    appendedAtMs: Date.parse(reject.appended_at),
    payload: toRejectPayload(reject),
  }
}
