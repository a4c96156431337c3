import { rowRank, type Block, type Extreme, type Fold, type Row, type Tile, type Value } from './block.ts'
import {
  blockVersion,
  directoryLength,
  foldedColumn,
  foldedColumnLength,
  foldLength,
  headerLength,
  openBlock,
  rowColumns,
  type StoredBlock,
  textsOf,
} from './block-layout.ts'
import type { TileGrid } from './compile-view.ts'

/** `block` is what a read needs; `ledger` what only a write needs. Undefined: nothing to store. */
export type EncodedBlock = { block: Uint8Array | undefined; ledger: Uint8Array | undefined }

/** What the block itself leaves out, for each tile and row. */
type Ledger = {
  newestIngestedAtMs: number[]
  facts: number[]
  /** The first and the last id of every column, for each fold. */
  extremes: (string | null)[][]
  ingestedAtMs: number[]
  /** The ids of the rows, joined by line feeds, which an id cannot contain. */
  ids: string
}

export function encodeBlock(grid: TileGrid, block: Block): EncodedBlock {
  if (block.tiles.size === 0 && block.expiredThroughMs === -Infinity) return { block: undefined, ledger: undefined }
  const tiles = [...block.tiles].toSorted(([a], [b]) => a - b)
  return { block: encodeDoubles(grid, block.expiredThroughMs, tiles), ledger: encodeLedger(tiles) }
}

function encodeDoubles(grid: TileGrid, expiredThroughMs: number, tiles: readonly [number, Tile][]): Uint8Array {
  const columns = grid.columns.length
  const rowCount = tiles.reduce((sum, [, tile]) => sum + tile.rows.length, 0)
  const foldSize = foldLength + columns * foldedColumnLength
  const firstFoldAt = headerLength + tiles.length * directoryLength
  const rowsAt = firstFoldAt + tiles.filter(([, tile]) => tile.fold !== undefined).length * foldSize
  const length = rowsAt + rowCount * (rowColumns + columns)
  const doubles = new Float64Array(length)
  const texts = createTextTable()
  let row = 0
  let foldAt = firstFoldAt
  for (const [position, [index, tile]] of tiles.entries()) {
    const offset = tile.fold === undefined ? 0 : foldAt
    doubles.set([index, row, row + tile.rows.length, offset], headerLength + position * directoryLength)
    if (tile.fold !== undefined) encodeFold({ doubles, at: foldAt, fold: tile.fold, rows: tile.rows, toDouble: texts.toDouble })
    if (tile.fold !== undefined) foldAt += foldSize
    for (const entry of tile.rows)
      encodeRow({ doubles, at: rowsAt + row++, stride: rowCount, row: entry, columns, toDouble: texts.toDouble })
  }
  const textBytes = texts.encode()
  doubles.set([blockVersion, expiredThroughMs, tiles.length, rowCount, columns, textBytes === undefined ? 0 : length, rowsAt])
  const bytes = new Uint8Array(doubles.buffer)
  return textBytes === undefined ? bytes : Buffer.concat([bytes, textBytes])
}

type ToDouble = (value: Value) => number

function createTextTable(): { toDouble: ToDouble; encode(): Uint8Array | undefined } {
  const indexes = new Map<string, number>()
  function toDouble(value: Value): number {
    if (typeof value !== 'string') return value ?? Number.NaN
    const known = indexes.get(value)
    if (known !== undefined) return known
    indexes.set(value, indexes.size)
    return indexes.size - 1
  }
  return { toDouble, encode: () => (indexes.size === 0 ? undefined : new TextEncoder().encode(JSON.stringify([...indexes.keys()]))) }
}

function encodeRow(input: { doubles: Float64Array; at: number; stride: number; row: Row; columns: number; toDouble: ToDouble }): void {
  const { doubles, at, stride, row, columns, toDouble } = input
  doubles[at] = row.eventTimeMs
  doubles[at + stride] = row.knownAtMs
  doubles[at + 2 * stride] = row.retractedAtMs
  for (let column = 0; column < columns; column++) doubles[at + (rowColumns + column) * stride] = toDouble(row.values[column])
}

function encodeFold(input: { doubles: Float64Array; at: number; fold: Fold; rows: readonly Row[]; toDouble: ToDouble }): void {
  const { doubles, at, fold, rows, toDouble } = input
  doubles.set([fold.count, fold.newestMs, fold.maxEventTimeMs, fold.maxKnownAtMs], at)
  const encodeExtreme = (extreme: Extreme | undefined) =>
    extreme === undefined
      ? [0, 0, 0, Number.NaN]
      : [extreme.eventTimeMs, extreme.knownAtMs, rowRank(rows, extreme), toDouble(extreme.value)]
  for (const [index, column] of fold.columns.entries()) {
    const { n, sum, mean, m2, min, max } = column.statistics
    doubles.set(
      [n, sum, mean, m2, min, max, column.newestMs, ...encodeExtreme(column.first), ...encodeExtreme(column.last)],
      at + foldLength + index * foldedColumnLength,
    )
  }
}

function encodeLedger(tiles: readonly [number, Tile][]): Uint8Array {
  const rows = tiles.flatMap(([, tile]) => tile.rows)
  const folds = tiles.flatMap(([, tile]) => tile.fold ?? [])
  const ledger: Ledger = {
    newestIngestedAtMs: tiles.map(([, tile]) => tile.newestIngestedAtMs),
    facts: folds.map((fold) => fold.facts),
    extremes: folds.map((fold) => fold.columns.flatMap((column) => [column.first?.id ?? null, column.last?.id ?? null])),
    ingestedAtMs: rows.map((row) => row.ingestedAtMs),
    ids: rows.map((row) => row.id).join('\n'),
  }
  return new TextEncoder().encode(JSON.stringify(ledger))
}

/** The inverse of `encodeBlock`. */
export function decodeBlock(grid: TileGrid, bytes: Uint8Array, ledgerBytes: Uint8Array): Block {
  const stored = openBlock(bytes)
  const { doubles } = stored
  const ledger = JSON.parse(new TextDecoder().decode(ledgerBytes)) as Ledger
  const [, expiredThroughMs = -Infinity, tileCount = 0] = doubles
  const toValue = valueReader(grid, stored)
  const rows = decodeRows(grid, doubles, ledger, toValue)
  const tiles = new Map<number, Tile>()
  let folds = 0
  for (let position = 0; position < tileCount; position++) {
    const [index = 0, from = 0, to = 0, foldAt = 0] = doubles.subarray(headerLength + position * directoryLength)
    const fold = foldAt === 0 ? undefined : decodeFold({ grid, doubles, at: foldAt, ledger, position: folds++, toValue })
    tiles.set(index, { rows: rows.slice(from, to), fold, newestIngestedAtMs: ledger.newestIngestedAtMs[position] ?? -Infinity })
  }
  return { expiredThroughMs, tiles }
}

type ToValue = (column: number, double: number) => Value

function valueReader(grid: TileGrid, stored: StoredBlock): ToValue {
  const texts = textsOf(stored)
  return (column, double) => {
    if (Number.isNaN(double)) return undefined
    return grid.columns[column]?.type === 'text' ? texts[double] : double
  }
}

function decodeRows(grid: TileGrid, doubles: Float64Array, ledger: Ledger, toValue: ToValue): Row[] {
  const count = doubles[3] ?? 0
  if (count === 0) return []
  const rowsAt = doubles[6] as number
  const at = (array: number, row: number) => doubles[rowsAt + array * count + row] as number
  return ledger.ids.split('\n').map((id, row) => ({
    id,
    eventTimeMs: at(0, row),
    knownAtMs: at(1, row),
    retractedAtMs: at(2, row),
    ingestedAtMs: ledger.ingestedAtMs[row] as number,
    values: grid.columns.map((_, column) => toValue(column, at(rowColumns + column, row))),
  }))
}

function decodeFold(input: {
  grid: TileGrid
  doubles: Float64Array
  at: number
  ledger: Ledger
  position: number
  toValue: ToValue
}): Fold {
  const { grid, doubles, at, ledger, position, toValue } = input
  const [count = 0, newestMs = 0, maxEventTimeMs = 0, maxKnownAtMs = 0] = doubles.subarray(at)
  const columns = grid.columns.map((_, index) => {
    const field = doubles.subarray(at + foldLength + index * foldedColumnLength) as Float64Array & Record<number, number>
    const extreme = (offset: number, id: string | null | undefined): Extreme | undefined =>
      typeof id !== 'string'
        ? undefined
        : { id, eventTimeMs: field[offset]!, knownAtMs: field[offset + 1]!, value: toValue(index, field[offset + 3]!) as number | string }
    return {
      statistics: { n: field[0]!, sum: field[1]!, mean: field[2]!, m2: field[3]!, min: field[4]!, max: field[5]! },
      newestMs: field[foldedColumn.newest]!,
      first: extreme(foldedColumn.firstEventTime, ledger.extremes[position]?.[index * 2]),
      last: extreme(foldedColumn.lastEventTime, ledger.extremes[position]?.[index * 2 + 1]),
    }
  })
  return { facts: ledger.facts[position] ?? 0, count, newestMs, maxEventTimeMs, maxKnownAtMs, columns }
}
