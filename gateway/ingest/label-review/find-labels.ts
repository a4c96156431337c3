import type { Warehouse } from '../../../platform/warehouse/warehouse.ts'
import { type LabelRow, toLabelContent } from '../../../platform/schema/rows/label-row.ts'
import type { Stored } from '../../../platform/schema/rows/stored.ts'
import { fromColumnTime } from '../../../platform/warehouse/column-time.ts'
import { type KnownLabel, toTarget, toValueText } from './known-label.ts'

/** The first of several records under one id counts, as in silver.labels; read from bronze, because a view that settles every id is slow. */
const byIds = `
SELECT label_id, payload_hash, label, prediction_id, request_id, entities, value_number, value_text, retracted, ingested_at
FROM bronze.label_events
WHERE tenant = {tenant:String} AND label_id IN {ids:Array(String)}
ORDER BY ingested_at, writer_id, epoch, lane, seq, payload_hash
LIMIT 1 BY label_id`

type StoredLabel = Pick<Stored<LabelRow>, 'label_id' | 'payload_hash' | 'label' | 'ingested_at'> & Parameters<typeof toLabelContent>[0]

/** The labels that the warehouse holds under these ids. */
export async function findLabels(
  warehouse: Pick<Warehouse, 'query'>,
  { tenant, ids, withinMs }: { tenant: string; ids: readonly string[]; withinMs: number },
): Promise<Map<string, KnownLabel>> {
  const rows = await warehouse.query<StoredLabel>(byIds, { tenant, ids }, { max_execution_time: Math.ceil(withinMs / 1000) })
  return new Map(rows.map((row) => [row.label_id, toKnown(row)]))
}

function toKnown(row: StoredLabel): KnownLabel {
  const content = toLabelContent(row)
  const { payload_hash: hash, label, ingested_at } = row
  return { hash, label, ingestedAt: fromColumnTime(ingested_at), target: toTarget(content), value: toValueText(content) }
}
