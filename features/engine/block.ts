import type { TileGrid } from './compile-view.ts'
import { addNumber, emptyStatistics, type Statistics } from './statistics.ts'

export type Value = number | string | undefined

/** A fact that stands on its own: visible from `knownAtMs` on, until `retractedAtMs` (Infinity: never withdrawn). */
export type Row = {
  id: string
  eventTimeMs: number
  knownAtMs: number
  retractedAtMs: number
  ingestedAtMs: number
  /** The fact's values, in the order of the grid's columns. */
  values: readonly Value[]
}

/** A value and what orders it among others. */
export type Extreme = { id: string; eventTimeMs: number; knownAtMs: number; value: number | string }

export type FoldedColumn = { statistics: Statistics; newestMs: number; first: Extreme | undefined; last: Extreme | undefined }

/** Facts that can no longer be told apart. Exact for anchors after both maxima, and refused for all others. */
export type Fold = {
  /** How many facts it has, withdrawn ones included. */
  facts: number
  count: number
  /** Event time of the newest fact that counts; -Infinity when none does. */
  newestMs: number
  maxEventTimeMs: number
  /** The latest known_at of a fact or a withdrawal in it; Infinity while it waits to be rebuilt. */
  maxKnownAtMs: number
  columns: FoldedColumn[]
}

/** A tile, whose rows are ordered by `compareRows`. */
export type Tile = { rows: Row[]; fold: Fold | undefined; newestIngestedAtMs: number }

/** What is stored under one key: tiles by index (event time / hop), or the one all-time tile of a head. */
export type Block = { expiredThroughMs: number; tiles: Map<number, Tile> }

export const allTimeTile = 0

export function emptyBlock(): Block {
  return { expiredThroughMs: -Infinity, tiles: new Map() }
}

export function emptyTile(): Tile {
  return { rows: [], fold: undefined, newestIngestedAtMs: -Infinity }
}

/** Whether the fold no longer holds. Nothing more is folded until the tile has been rebuilt. */
export function awaitsRebuild(tile: Tile): boolean {
  return tile.fold?.maxKnownAtMs === Infinity
}

export function tileOf(grid: TileGrid, eventTimeMs: number): number {
  return Math.floor(eventTimeMs / grid.hopMs)
}

type Ordered = { eventTimeMs: number; knownAtMs: number; id: string }

/** The order of `first` and `last`: event time, known-at, id by its UTF-8 bytes (as ClickHouse compares strings). */
export function compareRows(a: Ordered, b: Ordered): number {
  return a.eventTimeMs - b.eventTimeMs || a.knownAtMs - b.knownAtMs || compareUtf8(a.id, b.id)
}

/** UTF-16 order is UTF-8 order but for surrogates, which stand for code points above every other. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index)
    const right = b.charCodeAt(index)
    if (left !== right) return codePointRank(left) - codePointRank(right)
  }
  return a.length - b.length
}

function codePointRank(unit: number): number {
  if (unit < 0xd800) return unit
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000
}

/** The place at which the row is, or belongs, among ordered rows. */
export function rowRank(rows: readonly Row[], row: Ordered): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareRows(rows[middle] as Row, row) < 0) low = middle + 1
    else high = middle
  }
  return low
}

export function emptyFold(grid: TileGrid): Fold {
  return {
    facts: 0,
    count: 0,
    newestMs: -Infinity,
    maxEventTimeMs: -Infinity,
    maxKnownAtMs: -Infinity,
    columns: grid.columns.map(() => ({ statistics: emptyStatistics(), newestMs: -Infinity, first: undefined, last: undefined })),
  }
}

/** Adds a fact to the fold. One that has been withdrawn leaves only its clocks behind. */
export function foldRow(fold: Fold, row: Row): void {
  fold.facts += 1
  if (row.retractedAtMs <= row.knownAtMs) return
  const withdrawn = row.retractedAtMs !== Infinity
  fold.maxEventTimeMs = Math.max(fold.maxEventTimeMs, row.eventTimeMs)
  fold.maxKnownAtMs = Math.max(fold.maxKnownAtMs, withdrawn ? row.retractedAtMs : row.knownAtMs)
  if (withdrawn) return
  fold.count += 1
  fold.newestMs = Math.max(fold.newestMs, row.eventTimeMs)
  for (const [index, column] of fold.columns.entries()) foldValue(column, row, row.values[index])
}

function foldValue(column: FoldedColumn, row: Row, value: Value): void {
  if (value === undefined) return
  if (typeof value === 'number') addNumber(column.statistics, value)
  else column.statistics.n += 1
  column.newestMs = Math.max(column.newestMs, row.eventTimeMs)
  const extreme = { id: row.id, eventTimeMs: row.eventTimeMs, knownAtMs: row.knownAtMs, value }
  if (column.first === undefined || compareRows(extreme, column.first) < 0) column.first = extreme
  if (column.last === undefined || compareRows(extreme, column.last) > 0) column.last = extreme
}
