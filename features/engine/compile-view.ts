import { keptType, takes, type Aggregation } from '../../contracts/aggregations.ts'
import { canonicalHash } from '../../contracts/canonical-json.ts'
import { ServiceError } from '../../contracts/errors.ts'
import type { EventSourceDefinition } from '../../contracts/event-source.ts'
import type { FeatureViewDefinition, ViewFeature } from '../../contracts/feature-view.ts'
import { windowOf } from '../../contracts/feature-window.ts'

/** A source value that some feature aggregates. Booleans are the numbers 0 and 1. */
export type ViewColumn = { name: string; type: 'number' | 'text' }

/** A window. At the anchor t it holds the events of `[floor(t - widthMs, hopMs), t)`. */
export type TileWindow = { widthMs: number; hopMs: number }

export type CompiledFeature = {
  name: string
  aggregation: Aggregation
  /** Index into the columns of the view or grid that lists the feature; -1 counts every event. */
  column: number
  /** The feature's window; absent where it covers all of time. */
  window?: TileWindow
}

/** `columns`: indexes of those that its features aggregate. */
export type CompiledWindow = TileWindow & { features: readonly CompiledFeature[]; columns: readonly number[] }

/** The features of a view that share a hop, and the tiles they are read from. All times are milliseconds. */
export type TileGrid = {
  source: string
  /** The source's key that names the entity. */
  key: string
  hopMs: number
  /** The width of the widest window; 0 when no feature has one. */
  widestMs: number
  columns: readonly ViewColumn[]
  windows: readonly CompiledWindow[]
  allTime: readonly CompiledFeature[]
  /** Tiles kept under one key. A window touches few pages, and an event rewrites one. */
  pageTiles: number
  pageMs: number
  /** Names the stored layout: another definition never reads what this one wrote. */
  storeId: string
}

/** A feature view ready to compute with. All times are milliseconds. */
export type CompiledView = {
  name: string
  source: string
  /** The source's key that names the entity. */
  key: string
  maxAgeMs?: number
  /** How long before an anchor an event may lie and still be in a window; 0 when no feature has one. */
  reachMs: number
  columns: readonly ViewColumn[]
  features: readonly CompiledFeature[]
  /** The features by window; `allTime` has those without one. */
  windows: readonly CompiledWindow[]
  allTime: readonly CompiledFeature[]
  /** The grids by hop, ascending. Values of all time are in the first. */
  grids: readonly TileGrid[]
}

const layoutVersion = 1
const widestPageTiles = 64
/** The hop of a grid without windows: it has no tiles in time, so that nothing is kept by it. */
const hopWithoutWindowsMs = 300_000

/**
 * Checks a view against its source and lays its tiles out. Throws `invalid_project` with the field's path.
 *
 * @example
 * ```ts
 * import { eventSourceDefinition } from '../../contracts/event-source.ts'
 * import { featureViewDefinition } from '../../contracts/feature-view.ts'
 * import { compileView } from './compile-view.ts'
 *
 * const source = eventSourceDefinition.parse({
 *   name: 'flight_landed',
 *   description: 'A flight has landed.',
 *   owner: 'flight-operations',
 *   keys: { destination: { entity: 'airport' } },
 * })
 * const view = featureViewDefinition.parse({
 *   name: 'arrivals',
 *   description: 'Flights that landed at an airport.',
 *   owner: 'flight-operations',
 *   source: 'flight_landed',
 *   key: 'destination',
 *   entity: 'airport',
 *   hop_seconds: 300,
 *   features: [{ name: 'count_3h', aggregation: 'count', window_seconds: 10_800, description: 'Of the last 3 hours.' }],
 * })
 * compileView(view, source).windows.map(({ widthMs, hopMs }) => [widthMs, hopMs]) // => [[10_800_000, 300_000]]
 * ```
 */
export function compileView(view: FeatureViewDefinition, source: EventSourceDefinition): CompiledView {
  if (source.name !== view.source) throw invalid(view, 'source', `is ${view.source}, but the source given is ${source.name}`)
  if (source.keys[view.key] === undefined) throw invalid(view, 'key', `source ${source.name} has no key ${view.key}`)
  for (const [index, feature] of view.features.entries()) checkValue({ view, feature, index, source })
  const columns = columnsOf(view.features, source)
  const features = view.features.map((feature) => compileFeature(view, feature, columns))
  const windows = windowsOf(features)
  return {
    name: view.name,
    source: view.source,
    key: view.key,
    ...(view.max_age_seconds === undefined ? {} : { maxAgeMs: view.max_age_seconds * 1000 }),
    reachMs: Math.max(0, ...windows.map(({ widthMs, hopMs }) => widthMs + hopMs)),
    columns,
    features,
    windows,
    allTime: features.filter((feature) => feature.window === undefined),
    grids: gridsOf(view, source),
  }
}

function checkValue(input: { view: FeatureViewDefinition; feature: ViewFeature; index: number; source: EventSourceDefinition }): void {
  const { view, feature, index, source } = input
  if (feature.value === undefined) return
  const value = source.values[feature.value]
  if (value === undefined) throw invalid(view, `features[${index}].value`, `source ${source.name} has no value ${feature.value}`)
  if (!takes(feature.aggregation, value.type))
    throw invalid(view, `features[${index}].aggregation`, `${feature.aggregation} needs a number, and ${feature.value} is ${value.type}`)
}

function columnsOf(features: readonly ViewFeature[], source: EventSourceDefinition): ViewColumn[] {
  const names = [...new Set(features.flatMap((feature) => feature.value ?? []))].toSorted()
  return names.map((name) => ({ name, type: keptType(source.values[name]!.type) }))
}

function compileFeature(view: FeatureViewDefinition, feature: ViewFeature, columns: readonly ViewColumn[]): CompiledFeature {
  const { name, aggregation } = feature
  const column = columns.findIndex((candidate) => candidate.name === feature.value)
  const window = windowOf(view, feature)
  if (window === undefined) return { name, aggregation, column }
  return { name, aggregation, column, window: { widthMs: window.window_seconds * 1000, hopMs: window.hop_seconds * 1000 } }
}

/** The windows of the features, by hop and width, ascending. */
function windowsOf(features: readonly CompiledFeature[]): CompiledWindow[] {
  const windows = new Map<string, TileWindow & { features: CompiledFeature[] }>()
  for (const feature of features) {
    if (feature.window === undefined) continue
    const key = `${feature.window.hopMs}/${feature.window.widthMs}`
    const window = windows.get(key) ?? { ...feature.window, features: [] }
    window.features.push(feature)
    windows.set(key, window)
  }
  return [...windows.values()]
    .map((window) => ({ ...window, columns: columnsUsed(window.features) }))
    .toSorted((a, b) => a.hopMs - b.hopMs || a.widthMs - b.widthMs)
}

/** The indexes of the columns that the features aggregate, each once. */
export function columnsUsed(features: readonly CompiledFeature[]): number[] {
  return [...new Set(features.map(({ column }) => column))].filter((column) => column !== -1)
}

function gridsOf(view: FeatureViewDefinition, source: EventSourceDefinition): TileGrid[] {
  const hops = [...new Set(view.features.flatMap((feature) => windowOf(view, feature)?.hop_seconds ?? []))].toSorted((a, b) => a - b)
  if (hops.length === 0) return [layOut({ view, source, features: view.features, hopMs: hopWithoutWindowsMs })]
  return hops.map((hop) => {
    const features = view.features.filter((feature) => (windowOf(view, feature)?.hop_seconds ?? hops[0]) === hop)
    return layOut({ view, source, features, hopMs: hop * 1000 })
  })
}

type LayOut = { view: FeatureViewDefinition; source: EventSourceDefinition; features: readonly ViewFeature[]; hopMs: number }

function layOut({ view, source, features: defined, hopMs }: LayOut): TileGrid {
  const columns = columnsOf(defined, source)
  const features = defined.map((feature) => compileFeature(view, feature, columns))
  const windows = windowsOf(features)
  const allTime = features.filter((feature) => feature.window === undefined)
  const widestMs = Math.max(0, ...windows.map(({ widthMs }) => widthMs))
  const pageTiles = Math.min(widestPageTiles, Math.ceil(widestMs / hopMs) + 1)
  const layout = { layoutVersion, source: view.source, key: view.key, hopMs, columns, pageTiles, widestMs, allTime: allTime.length > 0 }
  return {
    source: view.source,
    key: view.key,
    hopMs,
    widestMs,
    columns,
    windows,
    allTime,
    pageTiles,
    pageMs: pageTiles * hopMs,
    storeId: `${view.name}.${canonicalHash(layout).slice(0, 12)}`,
  }
}

function invalid(view: FeatureViewDefinition, path: string, message: string): ServiceError {
  return new ServiceError('invalid_project', `feature view ${view.name}: ${path} ${message}`, { path })
}

/** The start of the window at the anchor: `floor(anchor - width, hop)`. */
export function windowStartMs({ widthMs, hopMs }: TileWindow, anchorMs: number): number {
  return Math.floor((anchorMs - widthMs) / hopMs) * hopMs
}
