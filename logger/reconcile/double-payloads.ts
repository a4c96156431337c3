import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import type { Part } from './bronze-parts.ts'

export type DoublePayload = { table: string; tenant: string; id: string; payload_hashes: string[] }

const keyed = [
  { table: 'bronze.prediction_events', key: 'tenant, prediction_id', id: 'toString(prediction_id)' },
  { table: 'bronze.prediction_fates', key: 'tenant, fate_id', id: 'toString(fate_id)' },
  { table: 'bronze.label_events', key: 'tenant, label_id', id: 'label_id' },
  { table: 'bronze.feature_events', key: 'tenant, source, event_id', id: "concat(source, '/', event_id)" },
]

/** Beyond this share of a table, reading all of it costs less than looking up what is new. */
const allOfItFrom = 0.2

/**
 * Remembers the ids of these parts under which two payloads stand, by their hash. A partition follows the id, so that the
 * other payload is in a part of the same partition.
 */
export async function noteDoubles(
  warehouse: Pick<Warehouse, 'command'>,
  { fresh, listed }: { fresh: readonly Part[]; listed: readonly Part[] },
): Promise<void> {
  for (const { table, key } of keyed) {
    const parts = fresh.filter(({ table_name }) => table_name === table)
    if (parts.length === 0) continue
    const share = rowsOf(parts) / rowsOf(listed.filter(({ table_name }) => table_name === table))
    const isFresh = `_partition_id IN {partitions:Array(String)} AND cityHash64(${key}) IN
  (SELECT cityHash64(${key}) FROM ${table} WHERE _part IN {parts:Array(String)})`
    await warehouse.command(
      `INSERT INTO hindsight.reconciled_doubles (table_name, key_hash)
SELECT {table:String}, cityHash64(${key}) AS hash FROM ${table} WHERE ${share > allOfItFrom ? 'true' : isFresh}
GROUP BY hash HAVING min(cityHash64(payload_hash)) != max(cityHash64(payload_hash))`,
      { table, parts: parts.map(({ part }) => part), partitions: [...new Set(parts.map(({ partition_id }) => partition_id))] },
    )
  }
}

/** Of the ids that were noted, those under which two payloads stand now; at most 100 of a table by name. */
export async function doublePayloads(warehouse: Pick<Warehouse, 'query'>): Promise<{ count: number; named: DoublePayload[] }> {
  const found = { count: 0, named: [] as DoublePayload[] }
  const noted = await warehouse.query<{ table_name: string }>('SELECT DISTINCT table_name FROM hindsight.reconciled_doubles')
  for (const { table, key, id } of keyed.filter((one) => noted.some(({ table_name }) => table_name === one.table))) {
    const rows = await warehouse.query<Omit<DoublePayload, 'table'> & { total: string }>(
      `SELECT tenant, ${id} AS id, arraySort(groupUniqArray(toString(payload_hash))) AS payload_hashes, count() OVER () AS total
FROM ${table}
WHERE cityHash64(${key}) IN (SELECT key_hash FROM hindsight.reconciled_doubles WHERE table_name = {table:String})
GROUP BY ${key} HAVING min(payload_hash) != max(payload_hash) ORDER BY tenant, id LIMIT 100`,
      { table },
    )
    found.count += Number(rows[0]?.total ?? 0)
    found.named.push(...rows.map(({ total: _, ...row }) => ({ table, ...row })))
  }
  return found
}

function rowsOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { rows }) => sum + rows, 0)
}
