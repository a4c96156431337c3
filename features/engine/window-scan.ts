import {
  directoryLength,
  foldedColumn as at,
  foldedColumnLength,
  foldLength,
  headerLength,
  rowColumns,
  type StoredBlock,
  textsOf,
} from './block-layout.ts'
import type { TileGrid } from './compile-view.ts'
import { addNumber, emptyStatistics, mergeStatistics, type Statistics } from './statistics.ts'

/** Where a first or last value lies in a block, so that text is looked up only for the one that wins. */
export type Cell = { block: StoredBlock; offset: number; isText: boolean }

export type ColumnScan = {
  statistics: Statistics
  newestMs: number
  first: Cell | undefined
  last: Cell | undefined
  isText: boolean
}

/** What the window holds so far. Blocks are scanned in ascending order of time. */
export type WindowScan = {
  hopMs: number
  fromMs: number
  anchorMs: number
  /** The scan of every event, as of a column without values. */
  events: ColumnScan
  /** The greatest event time of a fold that had to be refused. */
  refusedThroughMs: number
  /** The scan of each column of the grid; undefined for a column that no feature of the window needs. */
  columns: (ColumnScan | undefined)[]
}

/** A scan of the grid's columns with these indexes. */
export function createScan(grid: TileGrid, window: { fromMs: number; anchorMs: number; columns: readonly number[] }): WindowScan {
  const { fromMs, anchorMs, columns: asked } = window
  const columns: (ColumnScan | undefined)[] = []
  for (let index = 0; index < grid.columns.length; index++)
    columns.push(asked.includes(index) ? createColumnScan(grid.columns[index]?.type === 'text') : undefined)
  return { hopMs: grid.hopMs, fromMs, anchorMs, events: createColumnScan(false), refusedThroughMs: -Infinity, columns }
}

function createColumnScan(isText: boolean): ColumnScan {
  return { statistics: emptyStatistics(), newestMs: -Infinity, first: undefined, last: undefined, isText }
}

export function valueIn({ block, offset, isText }: Cell): number | string {
  const double = block.doubles[offset] as number
  return isText ? (textsOf(block)[double] as string) : double
}

/** The tile that is being added: its rows, and the offset of its fold, 0 where there is none or it is refused. */
type Tile = { block: StoredBlock; from: number; to: number; foldAt: number }

/** Adds the block's tiles that overlap the window. False when a fold in it cannot be told apart at the anchor. */
export function scanBlock(scan: WindowScan, block: StoredBlock): boolean {
  const { doubles } = block
  const { hopMs, fromMs, anchorMs } = scan
  const end = headerLength + (doubles[2] as number) * directoryLength
  // One object serves for all tiles: a read goes through hundreds, and making one for each would be most of its work.
  const tile: Tile = { block, from: 0, to: 0, foldAt: 0 }
  let complete = true
  for (let entry = headerLength; entry < end; entry += directoryLength) {
    const startMs = (doubles[entry] as number) * hopMs
    if (startMs >= anchorMs && fromMs !== -Infinity) break
    if (startMs < fromMs) continue
    tile.from = doubles[entry + 1] as number
    tile.to = doubles[entry + 2] as number
    tile.foldAt = doubles[entry + 3] as number
    if (tile.foldAt !== 0 && !takeFold(scan, tile)) {
      tile.foldAt = 0
      complete = false
    }
    scanRows(scan, tile)
  }
  return complete
}

function takeFold(scan: WindowScan, { block, foldAt }: Tile): boolean {
  const { doubles } = block
  const maxEventTimeMs = doubles[foldAt + 2] as number
  if (maxEventTimeMs >= scan.anchorMs || (doubles[foldAt + 3] as number) > scan.anchorMs) {
    scan.refusedThroughMs = Math.max(scan.refusedThroughMs, maxEventTimeMs)
    return false
  }
  const { columns, events } = scan
  events.statistics.n += doubles[foldAt] as number
  events.newestMs = Math.max(events.newestMs, doubles[foldAt + 1] as number)
  for (let index = 0; index < columns.length; index++) {
    const column = columns[index]
    const offset = foldAt + foldLength + index * foldedColumnLength
    if (column === undefined || doubles[offset] === 0) continue
    mergeStatistics(column.statistics, foldedStatistics(doubles, offset))
    column.newestMs = Math.max(column.newestMs, doubles[offset + at.newest] as number)
    column.first ??= { block, offset: offset + at.firstValue, isText: column.isText }
    setLast(column, block, offset + at.lastValue)
  }
  return true
}

function foldedStatistics(doubles: Float64Array, offset: number): Statistics {
  return {
    n: doubles[offset + at.n] as number,
    sum: doubles[offset + at.sum] as number,
    mean: doubles[offset + at.mean] as number,
    m2: doubles[offset + at.m2] as number,
    min: doubles[offset + at.min] as number,
    max: doubles[offset + at.max] as number,
  }
}

function scanRows(scan: WindowScan, tile: Tile): void {
  const { columns, events, anchorMs } = scan
  const { from, to } = tile
  const { doubles } = tile.block
  const eventTimesAt = doubles[6] as number
  let seen = 0
  let last = -1
  for (let row = from; row < to && (doubles[eventTimesAt + row] as number) < anchorMs; row++) {
    if (!isKnown(doubles, row, anchorMs)) continue
    seen += 1
    last = row
  }
  if (last < 0) return
  events.statistics.n += seen
  events.newestMs = Math.max(events.newestMs, doubles[eventTimesAt + last] as number)
  // Nothing of the tile lies behind the last row that the anchor can see.
  tile.to = last + 1
  for (let column = 0; column < columns.length; column++) if (columns[column] !== undefined) scanColumn(scan, tile, column)
}

/** Whether a row before the anchor was known by then, and not withdrawn. */
function isKnown(doubles: Float64Array, row: number, anchorMs: number): boolean {
  const count = doubles[3] as number
  const knownAt = (doubles[6] as number) + count + row
  return (doubles[knownAt] as number) <= anchorMs && (doubles[knownAt + count] as number) > anchorMs
}

function scanColumn({ columns, anchorMs }: WindowScan, tile: Tile, column: number): void {
  const { block, from, to } = tile
  const { doubles } = block
  const scan = columns[column] as ColumnScan
  const eventTimesAt = doubles[6] as number
  const valuesAt = eventTimesAt + (rowColumns + column) * (doubles[3] as number)
  let first = -1
  let last = -1
  for (let row = from; row < to; row++) {
    const value = doubles[valuesAt + row] as number
    if (Number.isNaN(value) || !isKnown(doubles, row, anchorMs)) continue
    if (scan.isText) scan.statistics.n += 1
    else addNumber(scan.statistics, value)
    if (first < 0) first = row
    last = row
  }
  if (last < 0) return
  scan.newestMs = Math.max(scan.newestMs, doubles[eventTimesAt + last] as number)
  const fold = foldOf(tile, column)
  // Tiles come in order, so only a folded value of the same tile can stand before the first or behind the last.
  const foldIsFirst = fold !== undefined && scan.first?.offset === fold + at.firstValue && scan.first.block === block
  const beforeFold = foldIsFirst && first - from < (doubles[fold + at.firstRank] as number)
  const behindFold = fold === undefined || last - from >= (doubles[fold + at.lastRank] as number)
  if (scan.first === undefined || beforeFold) scan.first = { block, offset: valuesAt + first, isText: scan.isText }
  if (behindFold) setLast(scan, block, valuesAt + last)
}

/** Moves the column's last value on, in place, because every tile may move it. */
function setLast(column: ColumnScan, block: StoredBlock, offset: number): void {
  const { last, isText } = column
  if (last === undefined) column.last = { block, offset, isText }
  else {
    last.block = block
    last.offset = offset
  }
}

/** Where the tile's folded column starts, if the fold was taken and has a value. */
function foldOf({ block: { doubles }, foldAt }: Tile, column: number): number | undefined {
  const offset = foldAt + foldLength + column * foldedColumnLength
  return foldAt === 0 || doubles[offset] === 0 ? undefined : offset
}
