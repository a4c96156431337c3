import {
  directoryLength,
  doublesOf,
  foldedColumn as at,
  foldedColumnLength,
  foldLength,
  headerLength,
  rowColumns,
  textsOf,
} from './block-layout.ts'
import type { CompiledView } from './compile-view.ts'
import { addNumber, emptyStatistics, mergeStatistics, type Statistics } from './statistics.ts'

/** Where a first or last value lies in a block, so that text is looked up only for the one that wins. */
type Cell = { bytes: Uint8Array; doubles: Float64Array; offset: number }

export type ColumnScan = {
  statistics: Statistics
  newestMs: number
  firstCell: Cell | undefined
  lastCell: Cell | undefined
  first(): number | string
  last(): number | string
  isText: boolean
}

/** What the window holds so far. Blocks are scanned in ascending order of time. */
export type WindowScan = {
  hopMs: number
  fromMs: number
  anchorMs: number
  count: number
  newestMs: number
  /** The greatest event time of a fold that had to be refused. */
  refusedThroughMs: number
  columns: ColumnScan[]
}

export function createScan(view: CompiledView, fromMs: number, anchorMs: number): WindowScan {
  const columns = view.columns.map((column) => createColumnScan(column.type === 'text'))
  return { hopMs: view.hopMs, fromMs, anchorMs, count: 0, newestMs: -Infinity, refusedThroughMs: -Infinity, columns }
}

function createColumnScan(isText: boolean): ColumnScan {
  const scan: ColumnScan = {
    statistics: emptyStatistics(),
    newestMs: -Infinity,
    firstCell: undefined,
    lastCell: undefined,
    first: () => valueOf(scan.firstCell as Cell, isText),
    last: () => valueOf(scan.lastCell as Cell, isText),
    isText,
  }
  return scan
}

function valueOf(cell: Cell, isText: boolean): number | string {
  const double = cell.doubles[cell.offset] as number
  return isText ? (textsOf(cell.bytes, cell.doubles)[double] as string) : double
}

/** Adds the block's tiles that overlap the window. False when a fold in it cannot be told apart at the anchor. */
export function scanBlock(scan: WindowScan, bytes: Uint8Array): boolean {
  const doubles = doublesOf(bytes)
  const tiles = doubles[2] as number
  let complete = true
  for (let position = 0; position < tiles; position++) {
    const entry = headerLength + position * directoryLength
    const startMs = (doubles[entry] as number) * scan.hopMs
    if (startMs >= scan.anchorMs && scan.fromMs !== -Infinity) break
    if (startMs >= scan.fromMs) complete = scanTile({ scan, bytes, doubles, entry }) && complete
  }
  return complete
}

function scanTile(input: { scan: WindowScan; bytes: Uint8Array; doubles: Float64Array; entry: number }): boolean {
  const { scan, bytes, doubles, entry } = input
  const foldAt = doubles[entry + 3] as number
  const folded = foldAt === 0 || takeFold({ scan, bytes, doubles, foldAt })
  scanRows({ scan, bytes, doubles, from: doubles[entry + 1] as number, to: doubles[entry + 2] as number, foldAt: folded ? foldAt : 0 })
  return folded
}

function takeFold(input: { scan: WindowScan; bytes: Uint8Array; doubles: Float64Array; foldAt: number }): boolean {
  const { scan, bytes, doubles, foldAt } = input
  const maxEventTimeMs = doubles[foldAt + 2] as number
  if (maxEventTimeMs >= scan.anchorMs || (doubles[foldAt + 3] as number) > scan.anchorMs) {
    scan.refusedThroughMs = Math.max(scan.refusedThroughMs, maxEventTimeMs)
    return false
  }
  scan.count += doubles[foldAt] as number
  scan.newestMs = Math.max(scan.newestMs, doubles[foldAt + 1] as number)
  for (const [index, column] of scan.columns.entries()) {
    const offset = foldAt + foldLength + index * foldedColumnLength
    if (doubles[offset] === 0) continue
    mergeStatistics(column.statistics, foldedStatistics(doubles, offset))
    column.newestMs = Math.max(column.newestMs, doubles[offset + at.newest] as number)
    column.firstCell ??= { bytes, doubles, offset: offset + at.firstValue }
    column.lastCell = { bytes, doubles, offset: offset + at.lastValue }
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

type RowRange = { scan: WindowScan; bytes: Uint8Array; doubles: Float64Array; from: number; to: number; foldAt: number }

function scanRows(range: RowRange): void {
  const { scan, doubles, from, to } = range
  const count = doubles[3] as number
  const rowsAt = doubles[6] as number
  for (let row = from; row < to; row++) {
    const eventTimeMs = doubles[rowsAt + row] as number
    if (eventTimeMs >= scan.anchorMs) return
    const known = (doubles[rowsAt + count + row] as number) <= scan.anchorMs
    if (!known || (doubles[rowsAt + 2 * count + row] as number) <= scan.anchorMs) continue
    scan.count += 1
    if (eventTimeMs > scan.newestMs) scan.newestMs = eventTimeMs
    for (let column = 0; column < scan.columns.length; column++)
      scanCell({ range, column, row, offset: rowsAt + (rowColumns + column) * count + row, eventTimeMs })
  }
}

function scanCell(input: { range: RowRange; column: number; row: number; offset: number; eventTimeMs: number }): void {
  const { range, row, offset, eventTimeMs } = input
  const { bytes, doubles, from } = range
  const value = doubles[offset] as number
  if (Number.isNaN(value)) return
  const column = range.scan.columns[input.column] as ColumnScan
  if (column.isText) column.statistics.n += 1
  else addNumber(column.statistics, value)
  if (eventTimeMs > column.newestMs) column.newestMs = eventTimeMs
  const fold = range.foldAt === 0 ? 0 : range.foldAt + foldLength + input.column * foldedColumnLength
  const folded = fold !== 0 && doubles[fold] !== 0
  // Rows come in order, so only a folded value of the same tile can stand before the first or behind the last.
  const foldIsFirst = folded && column.firstCell?.offset === fold + at.firstValue && column.firstCell.doubles === doubles
  const beforeFold = foldIsFirst && row - from < (doubles[fold + at.firstRank] as number)
  if (column.firstCell === undefined || beforeFold) column.firstCell = { bytes, doubles, offset }
  if (!folded || row - from >= (doubles[fold + at.lastRank] as number)) column.lastCell = { bytes, doubles, offset }
}
