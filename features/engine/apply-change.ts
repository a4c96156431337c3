import { allTimeTile, emptyTile, rowRank, tileOf, type Block, type Row, type Tile, type Value } from './block.ts'
import type { TileGrid } from './compile-view.ts'
import type { Fact } from './fact.ts'
import type { Change } from './known-ids.ts'
import { pageOf } from './store-keys.ts'

/** The blocks of one entity that a change may touch. */
export type EntityBlocks = { head: Block; page(page: number): Block }

/** A tile whose fold no longer holds: it is refused until it has been rebuilt from the warehouse. */
export type RebuildTile = { page: number | undefined; tile: number }

/** The entity of the grid that the change is about, if its keys name one, and the event time that names the tile. */
export function targetOf(grid: TileGrid, change: Change): { entityId: string; eventTimeMs: number } | undefined {
  const { keys, eventTimeMs } = change.kind === 'put' ? change.fact : change.location
  const entityId = keys[grid.key]
  return entityId === undefined ? undefined : { entityId, eventTimeMs }
}

/**
 * Applies one change to the entity's blocks, in place, and returns the tiles it cannot mend. Facts of tiles that
 * have been removed are ignored: no read can reach them.
 */
export function applyChange(grid: TileGrid, blocks: EntityBlocks, change: Change): RebuildTile[] {
  const eventTimeMs = change.kind === 'put' ? change.fact.eventTimeMs : change.location.eventTimeMs
  const rebuild: RebuildTile[] = []
  if (grid.allTime.length > 0 && !applyToTile({ grid, block: blocks.head, index: allTimeTile, change, allTime: true }))
    rebuild.push({ page: undefined, tile: allTimeTile })
  const index = tileOf(grid, eventTimeMs)
  const alive = (index + 1) * grid.hopMs > blocks.head.expiredThroughMs
  const page = pageOf(grid, eventTimeMs)
  if (grid.windows.length > 0 && alive && !applyToTile({ grid, block: blocks.page(page), index, change, allTime: false }))
    rebuild.push({ page, tile: index })
  return rebuild
}

type TileChange = { grid: TileGrid; block: Block; index: number; change: Change; allTime: boolean }

function applyToTile({ grid, block, index, change, allTime }: TileChange): boolean {
  const tile = block.tiles.get(index) ?? emptyTile()
  if (change.kind === 'put') {
    block.tiles.set(index, tile)
    putRow(tile, toRow(grid, change.fact, change.retractedAtMs))
    return true
  }
  const position = tile.rows.findIndex((row) => row.id === change.id)
  if (position < 0) return applyToFold({ tile, change, allTime })
  if (change.kind === 'remove') tile.rows.splice(position, 1)
  else tile.rows[position] = { ...(tile.rows[position] as Row), retractedAtMs: change.retractedAtMs }
  return true
}

function applyToFold(input: { tile: Tile; change: Exclude<Change, { kind: 'put' }>; allTime: boolean }): boolean {
  const { fold } = input.tile
  if (fold === undefined) return true
  const { change, allTime } = input
  if (change.kind === 'remove') fold.facts -= 1
  // The all-time tile needs only its latest fact: a change to any other leaves the fold as it is.
  const restores = change.kind === 'retract' && change.restores
  const matters = !allTime || restores || fold.columns.some((column) => column.last?.id === change.id)
  if (!matters) return true
  fold.maxKnownAtMs = Infinity
  // A fact that was withdrawn before it was known left no clock behind.
  fold.maxEventTimeMs = Math.max(fold.maxEventTimeMs, change.location.eventTimeMs)
  return false
}

export function putRow(tile: Tile, row: Row): void {
  const known = tile.rows.findIndex((candidate) => candidate.id === row.id)
  if (known >= 0) tile.rows.splice(known, 1)
  tile.rows.splice(rowRank(tile.rows, row), 0, row)
  tile.newestIngestedAtMs = Math.max(tile.newestIngestedAtMs, row.ingestedAtMs)
}

export function toRow(grid: TileGrid, fact: Fact, retractedAtMs: number): Row {
  const { id, eventTimeMs, knownAtMs, ingestedAtMs } = fact
  return {
    id,
    eventTimeMs,
    knownAtMs,
    ingestedAtMs,
    retractedAtMs,
    values: grid.columns.map((column) => ofType(column.type, fact.values[column.name])),
  }
}

/** A value of another type than the source defines is absent, as it is in the warehouse's column. */
function ofType(type: 'number' | 'text', value: Value): Value {
  return (type === 'number') === (typeof value === 'number') ? value : undefined
}
