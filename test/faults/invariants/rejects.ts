import type { Warehouse } from '../../../platform/warehouse/warehouse.ts'

export type StoredReject = { lane: string; id: string; code: string; rows: number }

/** What bronze holds as rejects, by `lane/id`. */
export async function readRejects(warehouse: Pick<Warehouse, 'query'>): Promise<Map<string, StoredReject>> {
  const rows = await warehouse.query<Omit<StoredReject, 'rows'> & { rows: string }>(
    `SELECT lane, id, any(code) AS code, count() AS rows FROM bronze.rejects FINAL GROUP BY lane, id`,
  )
  return new Map(rows.map((row) => [`${row.lane}/${row.id}`, { ...row, rows: Number(row.rows) }]))
}
