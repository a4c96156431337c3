import type { Warehouse } from '../../../platform/warehouse/warehouse.ts'
import { type KnownLabel, toTarget, toValueText } from './known-label.ts'

/** Of several records under one id the first counts, as in silver.labels; read from bronze, because a view that settles every id is slow. */
const byIds = `
SELECT label_id, payload_hash, label, prediction_id, request_id, entities, value_number, value_text, retracted,
  formatDateTime(ingested_at, '%Y-%m-%dT%H:%i:%SZ', 'UTC') AS received
FROM bronze.label_events
WHERE tenant = {tenant:String} AND label_id IN {ids:Array(String)}
ORDER BY ingested_at, writer_id, epoch, lane, seq, payload_hash
LIMIT 1 BY label_id`

type Row = {
  label_id: string
  payload_hash: string
  label: string
  prediction_id: string | null
  request_id: string | null
  entities: Record<string, string>
  value_number: number | null
  value_text: string | null
  retracted: boolean
  received: string
}

/** The labels that the warehouse holds under these ids. */
export async function findLabels(
  warehouse: Pick<Warehouse, 'query'>,
  { tenant, ids, withinMs }: { tenant: string; ids: readonly string[]; withinMs: number },
): Promise<Map<string, KnownLabel>> {
  const rows = await warehouse.query<Row>(byIds, { tenant, ids }, { max_execution_time: Math.ceil(withinMs / 1000) })
  return new Map(rows.map((row) => [row.label_id, toKnown(row)]))
}

function toKnown({
  payload_hash,
  label,
  prediction_id,
  request_id,
  entities,
  value_number,
  value_text,
  retracted,
  received,
}: Row): KnownLabel {
  return {
    hash: payload_hash,
    label,
    ingestedAt: received,
    target: toTarget({ ...(prediction_id && { prediction_id }), ...(request_id && { request_id }), entities }),
    value: toValueText({ ...(value_number !== null && { value_number }), ...(value_text !== null && { value_text }), retracted }),
  }
}
