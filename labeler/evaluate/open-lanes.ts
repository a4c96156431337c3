import { toColumnTime } from '../../platform/warehouse/column-time.ts'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'

/** The lanes of writers of which records from before the time may still come, as `writer/lane`, in order; none where it is final. */
export async function readOpenLanes(warehouse: Warehouse, asOfMs: number): Promise<string[]> {
  const rows = await warehouse.query<{ lane: string }>(
    `SELECT concat(writer_id, '/', lane) AS lane FROM asof.open_lanes(as_of = {as_of:DateTime64(3, 'UTC')}) ORDER BY lane`,
    { as_of: toColumnTime(asOfMs) },
  )
  return rows.map(({ lane }) => lane)
}
