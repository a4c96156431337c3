import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import type { BronzePart } from './bronze-parts.ts'

export type DoublePayload = { table: string; tenant: string; id: string; payload_hashes: string[] }

const keyed = [
  { table: 'bronze.prediction_events', key: 'tenant, prediction_id', id: 'toString(prediction_id)' },
  { table: 'bronze.prediction_fates', key: 'tenant, fate_id', id: 'toString(fate_id)' },
  { table: 'bronze.label_events', key: 'tenant, label_id', id: 'label_id' },
  { table: 'bronze.feature_events', key: 'tenant, source, event_id', id: "concat(source, '/', event_id)" },
]

/** The share of a table from which on reading all of it costs less than looking up what is new. */
const allOfItFrom = 0.2

/**
 * Remembers the ids of these parts under which two payloads stand, by their hash. A partition follows the id, so that the
 * other payload is in a part of the same partition.
 */
export async function noteDoubles(
  warehouse: Pick<Warehouse, 'command'>,
  { fresh, listed }: { fresh: readonly BronzePart[]; listed: readonly BronzePart[] },
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

export type FoundDoubles = {
  /** Ids that nobody has acknowledged. */
  count: number
  named: DoublePayload[]
  acknowledged: AcknowledgedDouble[]
}

/** An id with several payloads that somebody has acknowledged, who did, and why nothing is to be done. */
export type AcknowledgedDouble = DoublePayload & { author: string; reason: string; acknowledged_at: string }

/** The latest acknowledgement of each id, and all payloads that were ever acknowledged under it. */
const acknowledgements = `SELECT tenant, id, groupUniqArrayArray(known.payload_hashes) AS known_hashes, argMax(known.author, known.acknowledged_at) AS author,
  argMax(known.reason, known.acknowledged_at) AS reason, formatDateTime(max(known.acknowledged_at), '%Y-%m-%dT%H:%i:%SZ', 'UTC') AS acknowledged_at
FROM (SELECT * FROM hindsight.acknowledged_doubles WHERE table_name = {table:String}) AS known GROUP BY tenant, id`

type DoubleRow = Omit<AcknowledgedDouble, 'table'> & { is_acknowledged: boolean; total: string }

/**
 * The noted ids under which two payloads stand now, or only this one; at most 100 of a table by name. An acknowledgement holds
 * for the payloads that stood then.
 */
export async function doublePayloads(warehouse: Pick<Warehouse, 'query'>, only: { id?: string } = {}): Promise<FoundDoubles> {
  const found: FoundDoubles = { count: 0, named: [], acknowledged: [] }
  const noted = await warehouse.query<{ table_name: string }>('SELECT DISTINCT table_name FROM hindsight.reconciled_doubles')
  for (const { table, key, id } of keyed.filter((one) => noted.some(({ table_name }) => table_name === one.table))) {
    const rows = await warehouse.query<DoubleRow>(
      `SELECT tenant, id, payload_hashes, author, reason, acknowledged_at, notEmpty(known_hashes) AND hasAll(known_hashes, payload_hashes) AS is_acknowledged,
  count() OVER (PARTITION BY is_acknowledged) AS total
FROM
(
  SELECT tenant, ${id} AS id, arraySort(groupUniqArray(toString(payload_hash))) AS payload_hashes
  FROM ${table}
  WHERE cityHash64(${key}) IN (SELECT key_hash FROM hindsight.reconciled_doubles WHERE table_name = {table:String})
  GROUP BY ${key} HAVING min(payload_hash) != max(payload_hash)
) AS doubles
LEFT JOIN (${acknowledgements}) AS acknowledgements USING (tenant, id)
WHERE {id:String} IN ('', id) ORDER BY tenant, id LIMIT 100 BY is_acknowledged`,
      { table, id: only.id ?? '' },
    )
    found.count += Number(rows.find(({ is_acknowledged }) => !is_acknowledged)?.total ?? 0)
    for (const { tenant, id: name, payload_hashes, author, reason, acknowledged_at, is_acknowledged } of rows) {
      const double = { table, tenant, id: name, payload_hashes }
      if (is_acknowledged) found.acknowledged.push({ ...double, author, reason, acknowledged_at })
      else found.named.push(double)
    }
  }
  return found
}

function rowsOf(parts: readonly BronzePart[]): number {
  return parts.reduce((sum, { rows }) => sum + rows, 0)
}
