import type { Warehouse } from '../../platform/warehouse/warehouse.ts'

/** A part of a bronze table: it never changes. Blocks are inserts, numbered within the partition; a merge joins neighbours. */
export type BronzePart = {
  table_name: string
  part: string
  checksum: string
  partition_id: string
  rows: number
  min_block: number
  max_block: number
}

/** The tables whose rows have an origin, and so a place in a stream. */
export const originTables = ['prediction_events', 'label_events', 'feature_events', 'prediction_fates', 'rejects', 'seals'].map(
  (name) => `bronze.${name}`,
)

export async function activeParts(warehouse: Pick<Warehouse, 'query'>): Promise<BronzePart[]> {
  return await warehouse.query<BronzePart>(
    `SELECT concat(database, '.', table) AS table_name, name AS part, hash_of_all_files AS checksum, partition_id, toFloat64(rows) AS rows,
  toFloat64(min_block_number) AS min_block, toFloat64(max_block_number) AS max_block
FROM system.parts WHERE active AND table_name IN {tables:Array(String)}`,
    { tables: originTables },
  )
}

export function keyOf({ table_name, part, checksum }: Pick<BronzePart, 'table_name' | 'part' | 'checksum'>): string {
  return `${table_name}/${part}/${checksum}`
}

/** `keyOf` in SQL, for a row of hindsight.reconciled_parts. */
export const keySql = "concat(table_name, '/', part, '/', checksum)"

/** Whether every insert in the part lies in a part that is known: then it holds no row that those did not. */
export function isMergeOf(part: BronzePart, known: readonly BronzePart[]): boolean {
  const blocks = known
    .filter(({ table_name, partition_id }) => table_name === part.table_name && partition_id === part.partition_id)
    .toSorted((a, b) => a.min_block - b.min_block)
  let next = part.min_block
  for (const { min_block, max_block } of blocks) {
    if (min_block > next) break
    next = Math.max(next, max_block + 1)
  }
  return next > part.max_block
}
