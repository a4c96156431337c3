import { putRow, toRow } from './apply-change.ts'
import { awaitsRebuild, emptyFold, type Extreme, type Tile } from './block.ts'
import type { TileGrid } from './compile-view.ts'
import { compareOrder, type Fact } from './fact.ts'
import { retractedAtMs, type KnownId } from './known-ids.ts'

/**
 * Replaces the tile's fold by its facts, from all records of the tile that the warehouse has. False when some are
 * not there yet: then the tile stays refused.
 */
export function rebuildTile(input: { grid: TileGrid; tile: Tile; records: readonly Fact[]; ids: ReadonlyMap<string, KnownId> }): boolean {
  const { grid, tile, records, ids } = input
  if (!awaitsRebuild(tile)) return true
  const apart = new Set(tile.rows.map((row) => row.id))
  const folded = new Map<string, Fact>()
  for (const record of records) {
    const standing = record.retracts === undefined ? ids.get(record.id)?.standing : undefined
    if (standing !== undefined && compareOrder(standing, record) === 0 && !apart.has(record.id)) folded.set(record.id, record)
  }
  if (folded.size !== tile.fold?.facts) return false
  tile.fold = undefined
  for (const fact of folded.values()) putRow(tile, toRow(grid, fact, retractedAtMs(ids.get(fact.id) as KnownId)))
  return true
}

/** The facts of all time that are not rows of the tile: the latest value of each column, and the clocks of all. */
export type AllTimeSummary = { maxEventTimeMs: number; maxKnownAtMs: number; last: readonly (Extreme | undefined)[] }

export function rebuildAllTime(grid: TileGrid, tile: Tile, summary: AllTimeSummary): void {
  if (!awaitsRebuild(tile)) return
  const fold = emptyFold(grid)
  fold.maxEventTimeMs = summary.maxEventTimeMs
  fold.maxKnownAtMs = summary.maxKnownAtMs
  for (const [index, column] of fold.columns.entries()) {
    const last = summary.last[index]
    if (last === undefined) continue
    column.statistics.n = 1
    column.newestMs = last.eventTimeMs
    column.last = last
  }
  tile.fold = fold
}
