import { aggregationRules, type Aggregation, type MomentOf } from '../../contracts/aggregations.ts'
import { columnsUsed, windowStartMs, type CompiledFeature, type CompiledView, type TileGrid } from './compile-view.ts'
import { createBlockMemory, type StoredBlock } from './block-layout.ts'
import { createScan, scanBlock, valueIn, type Cell, type ColumnScan, type WindowScan } from './window-scan.ts'
import type { FeatureValue } from './feature-value.ts'
import type { Statistics } from './statistics.ts'
import { keyCounts } from './store-keys.ts'

/** The memory that all reads share: one ends before another begins, and keeps nothing of its blocks. */
const memory = createBlockMemory()

const tooOld = { status: 'missing', reason: 'anchor_too_old' } as const

/**
 * Every feature of the view at the anchor, by name, from the values of `planRead`'s keys in their order. Exact, or
 * missing with the reason: a value is never approximated.
 *
 * @example
 * ```ts
 * import { loadProject } from '../../platform/project/load-project.ts'
 * import { compileView } from './compile-view.ts'
 * import { readFeatures } from './read-features.ts'
 * import { planRead } from './store-keys.ts'
 *
 * const { views, sources } = await loadProject('models')
 * const definition = views.get('airport_arrivals')!
 * const view = compileView(definition, sources.get(definition.source)!)
 * const anchorMs = Date.UTC(2001, 5, 4, 12)
 * const keys = planRead(view, 'default', 'ORD', anchorMs)
 * // `store.read(keys)` gives the values. Of a store that holds nothing of the view they are undefined.
 * const values = keys.map(() => undefined)
 * readFeatures(view, values, anchorMs).get('count_3h') // => { status: 'missing', reason: 'not_ready' }
 * ```
 */
export function readFeatures(view: CompiledView, values: readonly (Uint8Array | undefined)[], anchorMs: number): Map<string, FeatureValue> {
  memory.restart()
  const result = new Map<string, FeatureValue>()
  const counts = keyCounts(view, anchorMs)
  let from = 0
  for (let index = 0; index < view.grids.length; index++) {
    const to = from + (counts[index] as number)
    readGrid({ grid: view.grids[index] as TileGrid, values, from, to, anchorMs, result })
    from = to
  }
  return result
}

/** The part of a read that belongs to one grid: `values[from]` to `values[to - 1]` are whether it is ready, its head, and its pages. */
type GridRead = {
  grid: TileGrid
  values: readonly (Uint8Array | undefined)[]
  from: number
  to: number
  anchorMs: number
  result: Map<string, FeatureValue>
}

function readGrid({ grid, values, from, to, anchorMs, result }: GridRead): void {
  if (values[from] === undefined) {
    for (const { features } of [...grid.windows, { features: grid.allTime }])
      for (const { name } of features) result.set(name, { status: 'missing', reason: 'not_ready' })
    return
  }
  const head = openStored(values[from + 1])
  const pages: StoredBlock[] = []
  for (let index = from + 2; index < to; index++) {
    const page = openStored(values[index])
    if (page !== undefined) pages.push(page)
  }
  const expiredThroughMs = head === undefined ? -Infinity : (head.doubles[1] as number)
  for (const window of grid.windows) {
    const fromMs = windowStartMs(window, anchorMs)
    const scan = fromMs < expiredThroughMs ? undefined : scanPages(pages, createScan(grid, { fromMs, anchorMs, columns: window.columns }))
    for (const feature of window.features) result.set(feature.name, scan === undefined ? tooOld : toValue(scan, feature))
  }
  if (grid.allTime.length > 0) readAllTime({ grid, head, anchorMs, result })
}

function openStored(bytes: Uint8Array | undefined): StoredBlock | undefined {
  return bytes === undefined ? undefined : memory.open(bytes)
}

/** Adds the pages to the window's scan; undefined where a fold in one of them cannot be told apart at the anchor. */
function scanPages(pages: readonly StoredBlock[], scan: WindowScan): WindowScan | undefined {
  for (const page of pages) if (!scanBlock(scan, page)) return undefined
  return scan
}

function readAllTime(input: { grid: TileGrid; head: StoredBlock | undefined; anchorMs: number; result: Map<string, FeatureValue> }): void {
  const { grid, head, anchorMs, result } = input
  const scan = createScan(grid, { fromMs: -Infinity, anchorMs, columns: columnsUsed(grid.allTime) })
  const complete = head === undefined || scanBlock(scan, head)
  for (const feature of grid.allTime) {
    // A refused fold ends before `refusedThroughMs`: a later row is the latest, whatever the fold holds.
    const newestMs = scan.columns[feature.column]?.newestMs ?? -Infinity
    result.set(feature.name, complete || newestMs > scan.refusedThroughMs ? toValue(scan, feature) : tooOld)
  }
}

function toValue(scan: WindowScan, { aggregation, column: index }: CompiledFeature): FeatureValue {
  const column = index === -1 ? scan.events : (scan.columns[index] as ColumnScan)
  if (column.statistics.n === 0 && aggregationRules[aggregation].ofNone === 'missing') return { status: 'missing', reason: 'no_events' }
  const value = aggregators[aggregation](column)
  if (typeof value === 'number' && !Number.isFinite(value)) return { status: 'missing', reason: 'not_finite' }
  return column.newestMs === -Infinity ? { status: 'ok', value } : { status: 'ok', value, eventTimeMs: column.newestMs }
}

/** The moments that an aggregation's rule names, and no other. */
type Moments<A extends Aggregation> = {
  statistics: Pick<Statistics, Extract<MomentOf<A>, keyof Statistics>>
} & Pick<ColumnScan, Extract<MomentOf<A>, keyof ColumnScan>>

const aggregators: { [A in Aggregation]: (column: Moments<A>) => number | string } = {
  count: ({ statistics }) => statistics.n,
  sum: ({ statistics }) => statistics.sum,
  mean: ({ statistics }) => statistics.sum / statistics.n,
  min: ({ statistics }) => statistics.min,
  max: ({ statistics }) => statistics.max,
  std: ({ statistics }) => Math.sqrt(statistics.m2 / statistics.n),
  last: ({ last }) => valueIn(last as Cell),
  first: ({ first }) => valueIn(first as Cell),
}
