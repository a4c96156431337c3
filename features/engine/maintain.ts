import { awaitsRebuild, emptyFold, foldRow, type Block, type Row, type Tile } from './block.ts'
import type { TileGrid } from './compile-view.ts'

/** The bounds by which memory is traded for how far back an anchor may lie. All ages count from ingestion. */
export type MaintenancePolicy = {
  /** Facts younger than this stay apart, so that anchors this far back are exact whatever came since. */
  foldAfterMs: number
  /** A tile with fewer facts to fold is left as it is. */
  foldMinRows: number
  /** Above this many facts in one block the oldest are folded down to half of it, whatever their age. */
  maxRowsPerBlock: number
  /** A tile is removed this long after the widest window has left it and nothing has been added to it. */
  expireGraceMs: number
}

const hourMs = 3_600_000

export const defaultMaintenancePolicy: MaintenancePolicy = {
  foldAfterMs: hourMs,
  foldMinRows: 64,
  maxRowsPerBlock: 4096,
  expireGraceMs: 24 * hourMs,
}

/** Folds what is old enough, and what exceeds the block's bound. True when the block changed. */
export function foldBlock(input: { grid: TileGrid; block: Block; nowMs: number; policy: MaintenancePolicy }): boolean {
  const { grid, block, nowMs, policy } = input
  let changed = false
  for (const tile of block.tiles.values()) {
    if (awaitsRebuild(tile)) continue
    const old = tile.rows.filter((row) => row.ingestedAtMs <= nowMs - policy.foldAfterMs && isSettled(row, nowMs))
    if (old.length >= policy.foldMinRows) changed = foldRows(grid, tile, old)
  }
  return foldExcess(input) || changed
}

export function foldExcess(input: { grid: TileGrid; block: Block; nowMs: number; policy: MaintenancePolicy }): boolean {
  const { grid, block, nowMs, policy } = input
  let rows = 0
  for (const tile of block.tiles.values()) rows += tile.rows.length
  if (rows <= policy.maxRowsPerBlock) return false
  const settled = [...block.tiles.values()]
    .filter((tile) => !awaitsRebuild(tile))
    .flatMap((tile) => tile.rows.filter((row) => isSettled(row, nowMs)).map((row) => ({ tile, row })))
  const excess = settled
    .toSorted((a, b) => a.row.ingestedAtMs - b.row.ingestedAtMs || a.row.eventTimeMs - b.row.eventTimeMs)
    .slice(0, rows - Math.floor(policy.maxRowsPerBlock / 2))
  const folding = new Set(excess.map((entry) => entry.row))
  for (const tile of new Set(excess.map((entry) => entry.tile)))
    foldRows(
      grid,
      tile,
      tile.rows.filter((row) => folding.has(row)),
    )
  return excess.length > 0
}

/** A fact with a clock in the future would refuse its whole tile until then. */
function isSettled(row: Row, nowMs: number): boolean {
  return row.eventTimeMs < nowMs && row.knownAtMs <= nowMs && (row.retractedAtMs === Infinity || row.retractedAtMs <= nowMs)
}

/** Moves these rows of the tile into its fold. */
export function foldRows(grid: TileGrid, tile: Tile, rows: readonly Row[]): boolean {
  const folded = new Set(rows)
  tile.fold ??= emptyFold(grid)
  for (const row of rows) foldRow(tile.fold, row)
  tile.rows = tile.rows.filter((row) => !folded.has(row))
  return rows.length > 0
}

/**
 * Removes the tiles of a page that no window needs any more, and raises the head's `expired_through` to the end of
 * the latest of them. True when anything was removed.
 */
export function expirePage(input: { grid: TileGrid; head: Block; page: Block; nowMs: number; policy: MaintenancePolicy }): boolean {
  const { grid, head, page, nowMs, policy } = input
  const dueMs = nowMs - retentionMs(grid, policy)
  const endOf = (index: number) => (index + 1) * grid.hopMs
  for (const [index, tile] of page.tiles)
    if (endOf(index) <= dueMs && tile.newestIngestedAtMs <= dueMs) head.expiredThroughMs = Math.max(head.expiredThroughMs, endOf(index))
  const expired = [...page.tiles.keys()].filter((index) => endOf(index) <= head.expiredThroughMs)
  for (const index of expired) page.tiles.delete(index)
  return expired.length > 0
}

/** How long after its ingestion a fact may still be in a window of an anchor that is served. */
export function retentionMs(grid: TileGrid, policy: MaintenancePolicy): number {
  return grid.widestMs + grid.hopMs + policy.expireGraceMs
}
