import { canonicalHash } from '../../contracts/canonical-json.ts'
import { ServiceError } from '../../contracts/errors.ts'
import type { EventSourceDefinition } from '../../contracts/event-source.ts'
import { hopSecondsOf, type Aggregation, type FeatureViewDefinition, type ViewFeature } from '../../contracts/feature-view.ts'

/** A source value that some feature of the view aggregates. Booleans are the numbers 0 and 1. */
export type ViewColumn = { name: string; type: 'number' | 'text' }

export type CompiledFeature = {
  name: string
  aggregation: Aggregation
  /** Index into the view's columns; -1 counts every event. */
  column: number
  /** Absent: all of time. */
  widthMs?: number
}

/** A feature view ready to compute with. All times are milliseconds. */
export type CompiledView = {
  name: string
  source: string
  /** The source's key that names the entity. */
  key: string
  hopMs: number
  maxAgeMs?: number
  /** 0 when no feature has a window. */
  widestMs: number
  columns: readonly ViewColumn[]
  features: readonly CompiledFeature[]
  /** Features by window width; those without a window apart. */
  windows: readonly { widthMs: number; features: readonly CompiledFeature[] }[]
  allTime: readonly CompiledFeature[]
  /** Tiles kept under one key. A window of the view touches few pages, and an event rewrites one. */
  pageTiles: number
  pageMs: number
  /** Names the stored layout: another definition never reads what this one wrote. */
  storeId: string
}

const layoutVersion = 1
const widestPageTiles = 64
const textAggregations: readonly Aggregation[] = ['count', 'first', 'last']

/** Checks a view against its source and lays its tiles out. Throws `invalid_project` with the field's path. */
export function compileView(view: FeatureViewDefinition, source: EventSourceDefinition): CompiledView {
  if (source.name !== view.source) throw invalid(view, 'source', `is ${view.source}, but the source given is ${source.name}`)
  if (source.keys[view.key] === undefined) throw invalid(view, 'key', `source ${source.name} has no key ${view.key}`)
  const columns = columnsOf(view, source)
  const features = view.features.map((feature, index) => compileFeature({ view, feature, index, columns }))
  const hopMs = hopSecondsOf(view) * 1000
  const widestMs = Math.max(0, ...features.map((feature) => feature.widthMs ?? 0))
  const pageTiles = Math.min(widestPageTiles, Math.ceil(widestMs / hopMs) + 1)
  const widths = [...new Set(features.flatMap((feature) => feature.widthMs ?? []))].toSorted((a, b) => a - b)
  const allTime = features.filter((feature) => feature.widthMs === undefined)
  const layout = { layoutVersion, source: view.source, key: view.key, hopMs, columns, pageTiles, widestMs, allTime: allTime.length > 0 }
  return {
    name: view.name,
    source: view.source,
    key: view.key,
    hopMs,
    ...(view.max_age_seconds === undefined ? {} : { maxAgeMs: view.max_age_seconds * 1000 }),
    widestMs,
    columns,
    features,
    windows: widths.map((widthMs) => ({ widthMs, features: features.filter((feature) => feature.widthMs === widthMs) })),
    allTime,
    pageTiles,
    pageMs: pageTiles * hopMs,
    storeId: `${view.name}.${canonicalHash(layout).slice(0, 12)}`,
  }
}

function columnsOf(view: FeatureViewDefinition, source: EventSourceDefinition): ViewColumn[] {
  const names = [...new Set(view.features.flatMap((feature) => feature.value ?? []))].toSorted()
  return names.map((name) => {
    const value = source.values[name]
    if (value === undefined) throw invalid(view, 'features', `source ${source.name} has no value ${name}`)
    return { name, type: value.type === 'text' ? 'text' : 'number' }
  })
}

function compileFeature(input: {
  view: FeatureViewDefinition
  feature: ViewFeature
  index: number
  columns: readonly ViewColumn[]
}): CompiledFeature {
  const { view, feature, index, columns } = input
  const column = columns.findIndex((candidate) => candidate.name === feature.value)
  if (columns[column]?.type === 'text' && !textAggregations.includes(feature.aggregation))
    throw invalid(view, `features[${index}].aggregation`, `${feature.aggregation} needs a number, and ${feature.value} is text`)
  const widthMs = feature.window_seconds === undefined ? undefined : feature.window_seconds * 1000
  return { name: feature.name, aggregation: feature.aggregation, column, ...(widthMs === undefined ? {} : { widthMs }) }
}

function invalid(view: FeatureViewDefinition, path: string, message: string): ServiceError {
  return new ServiceError('invalid_project', `feature view ${view.name}: ${path} ${message}`, { path })
}

/** The start of the window of this width at the anchor: `floor(anchor - width, hop)`. */
export function windowStartMs(view: Pick<CompiledView, 'hopMs'>, widthMs: number, anchorMs: number): number {
  return Math.floor((anchorMs - widthMs) / view.hopMs) * view.hopMs
}
