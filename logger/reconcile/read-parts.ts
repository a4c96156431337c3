import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import { activeParts, isMergeOf, keyOf, type BronzePart } from './bronze-parts.ts'
import { noteDoubles } from './double-payloads.ts'

/** How often parts are listed and read again: merges take some away in between, and each round finds less to read. */
const maxRounds = 20

/**
 * Reads what bronze holds and no run has read since, and keeps what it saw in hindsight.reconciled_parts. Returns the keys of
 * parts that together were all of bronze at one moment, each of them read.
 */
export async function readParts(warehouse: Pick<Warehouse, 'query' | 'command'>, options: { since: string }): Promise<string[]> {
  const seen = new Set<string>()
  for (let round = 1; round <= maxRounds; round++) {
    const listed = await activeParts(warehouse)
    const known = await knownParts(warehouse, options)
    const knownKeys = new Set(known.map(keyOf))
    const unread = listed.filter((part) => !knownKeys.has(keyOf(part)))
    // A part that was read and is still unknown has no visible row.
    const fresh = unread.filter((part) => !seen.has(keyOf(part)))
    if (fresh.length === 0) return listed.map(keyOf)
    await noteDoubles(warehouse, { fresh: fresh.filter((part) => !isMergeOf(part, known)), listed })
    for (const table of new Set(fresh.map(({ table_name }) => table_name)))
      await readTable(warehouse, { table, parts: fresh.filter(({ table_name }) => table_name === table) })
    for (const part of fresh) seen.add(keyOf(part))
  }
  throw new Error(`bronze was merged faster than it could be read, ${maxRounds} times`)
}

async function knownParts(warehouse: Pick<Warehouse, 'query'>, { since }: { since: string }): Promise<BronzePart[]> {
  return await warehouse.query<BronzePart>(
    `SELECT table_name, part, checksum, any(partition_id) AS partition_id, toFloat64(0) AS rows, toFloat64(any(min_block)) AS min_block,
  toFloat64(any(max_block)) AS max_block
FROM hindsight.reconciled_parts WHERE read_at >= {since:DateTime64(3, 'UTC')} GROUP BY table_name, part, checksum`,
    { since },
  )
}

/** Reads the parts of one table; one that has been merged away by now gives no row, and so stays unread. */
async function readTable(
  warehouse: Pick<Warehouse, 'command'>,
  { table, parts }: { table: string; parts: readonly BronzePart[] },
): Promise<void> {
  const listed = parts.map(({ part, checksum, partition_id, min_block, max_block }) => [part, checksum, partition_id, min_block, max_block])
  const column = (index: number) => `transform(_part, {parts:Array(String)}, {column${index}:Array(String)}, '')`
  const columns = Object.fromEntries([1, 2, 3, 4].map((index) => [`column${index}`, listed.map((part) => String(part[index]))]))
  await warehouse.command(
    `INSERT INTO hindsight.reconciled_parts (table_name, part, checksum, partition_id, min_block, max_block, writer_id, epoch, lane, hour,
  seqs, first_seq, last_seq)
SELECT {table:String}, _part, ${column(1)}, ${column(2)}, toInt64(${column(3)}), toInt64(${column(4)}), writer_id, epoch, lane,
  toStartOfHour(appended_at) AS hour, groupBitmapState(seq), min(seq), max(seq)
FROM ${table} WHERE _part IN {parts:Array(String)}
GROUP BY _part, writer_id, epoch, lane, hour`,
    { table, parts: parts.map(({ part }) => part), ...columns },
  )
}
