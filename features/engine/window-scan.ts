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
  columns: ColumnScan[]
}

export function createScan(grid: TileGrid, fromMs: number, anchorMs: number): WindowScan {
  const columns = grid.columns.map((column) => createColumnScan(column.type === 'text'))
  return { hopMs: grid.hopMs, fromMs, anchorMs, events: createColumnScan(false), refusedThroughMs: -Infinity, columns }
}

function createColumnScan(isText: boolean): ColumnScan {
  return { statistics: emptyStatistics(), newestMs: -Infinity, first: undefined, last: undefined, isText }
}

export function valueIn({ block, offset, isText }: Cell): number | string {
  const double = block.doubles[offset] as number
  return isText ? (textsOf(block)[double] as string) : double
}

/** Adds the block's tiles that overlap the window. False when a fold in it cannot be told apart at the anchor. */
export function scanBlock(scan: WindowScan, block: StoredBlock): boolean {
  const { doubles } = block
  const tiles = doubles[2] as number
  let complete = true
  for (let position = 0; position < tiles; position++) {
    const entry = headerLength + position * directoryLength
    const startMs = (doubles[entry] as number) * scan.hopMs
    if (startMs >= scan.anchorMs && scan.fromMs !== -Infinity) break
    if (startMs >= scan.fromMs) complete = scanTile({ scan, block, entry }) && complete
  }
  return complete
}

function scanTile({ scan, block, entry }: { scan: WindowScan; block: StoredBlock; entry: number }): boolean {
  const { doubles } = block
  const foldAt = doubles[entry + 3] as number
  const folded = foldAt === 0 || takeFold({ scan, block, foldAt })
  scanRows({ scan, block, from: doubles[entry + 1] as number, to: doubles[entry + 2] as number, foldAt: folded ? foldAt : 0 })
  return folded
}

function takeFold({ scan, block, foldAt }: { scan: WindowScan; block: StoredBlock; foldAt: number }): boolean {
  const { doubles } = block
  const maxEventTimeMs = doubles[foldAt + 2] as number
  if (maxEventTimeMs >= scan.anchorMs || (doubles[foldAt + 3] as number) > scan.anchorMs) {
    scan.refusedThroughMs = Math.max(scan.refusedThroughMs, maxEventTimeMs)
    return false
  }
  scan.events.statistics.n += doubles[foldAt] as number
  scan.events.newestMs = Math.max(scan.events.newestMs, doubles[foldAt + 1] as number)
  for (const [index, column] of scan.columns.entries()) {
    const offset = foldAt + foldLength + index * foldedColumnLength
    if (doubles[offset] === 0) continue
    mergeStatistics(column.statistics, foldedStatistics(doubles, offset))
    column.newestMs = Math.max(column.newestMs, doubles[offset + at.newest] as number)
    column.first ??= { block, offset: offset + at.firstValue, isText: column.isText }
    column.last = { block, offset: offset + at.lastValue, isText: column.isText }
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

type RowRange = { scan: WindowScan; block: StoredBlock; from: number; to: number; foldAt: number }

function scanRows(range: RowRange): void {
  const { columns, events } = range.scan
  const { doubles } = range.block
  const visible = visibleRows(range)
  if (visible.length === 0) return
  events.statistics.n += visible.length
  events.newestMs = Math.max(events.newestMs, doubles[(doubles[6] as number) + (visible.at(-1) as number)] as number)
  for (let column = 0; column < columns.length; column++) scanColumn(range, column, visible)
}

/** The rows that the anchor can see, in their order. */
function visibleRows({ scan, block: { doubles }, from, to }: RowRange): number[] {
  const { anchorMs } = scan
  const count = doubles[3] as number
  const rowsAt = doubles[6] as number
  const knownAt = rowsAt + count
  const retractedAt = knownAt + count
  const visible: number[] = []
  for (let row = from; row < to; row++) {
    if ((doubles[rowsAt + row] as number) >= anchorMs) break
    if ((doubles[knownAt + row] as number) <= anchorMs && (doubles[retractedAt + row] as number) > anchorMs) visible.push(row)
  }
  return visible
}

function scanColumn(range: RowRange, column: number, visible: readonly number[]): void {
  const { block } = range
  const { doubles } = block
  const scan = range.scan.columns[column] as ColumnScan
  const rowsAt = doubles[6] as number
  const valuesAt = rowsAt + (rowColumns + column) * (doubles[3] as number)
  let first = -1
  let last = -1
  for (const row of visible) {
    const value = doubles[valuesAt + row] as number
    if (Number.isNaN(value)) continue
    if (scan.isText) scan.statistics.n += 1
    else addNumber(scan.statistics, value)
    if (first < 0) first = row
    last = row
  }
  if (last < 0) return
  scan.newestMs = Math.max(scan.newestMs, doubles[rowsAt + last] as number)
  const fold = foldOf(range, column)
  // Tiles come in order, so only a folded value of the same tile can stand before the first or behind the last.
  const foldIsFirst = fold !== undefined && scan.first?.offset === fold + at.firstValue && scan.first.block === block
  const beforeFold = foldIsFirst && first - range.from < (doubles[fold + at.firstRank] as number)
  const behindFold = fold === undefined || last - range.from >= (doubles[fold + at.lastRank] as number)
  if (scan.first === undefined || beforeFold) scan.first = { block, offset: valuesAt + first, isText: scan.isText }
  if (behindFold) scan.last = { block, offset: valuesAt + last, isText: scan.isText }
}

/** Where the tile's folded column starts, if the fold was taken and has a value. */
function foldOf({ block: { doubles }, foldAt }: RowRange, column: number): number | undefined {
  const offset = foldAt + foldLength + column * foldedColumnLength
  return foldAt === 0 || doubles[offset] === 0 ? undefined : offset
}
