import type { CompiledFeature, CompiledView } from '../engine/compile-view.ts'
import { compareOrder, type Fact } from '../engine/fact.ts'

/** What the third executor says: no value means missing, no_events. */
export type NaiveValue = { value: number | string; eventTimeMs: number | undefined } | undefined

/** The definition of a feature view, word for word, as loops over the whole list of records. */
export function naiveFeatures(input: {
  view: CompiledView
  records: readonly Fact[]
  entityId: string
  anchorMs: number
}): Map<string, NaiveValue> {
  const { view, records, entityId, anchorMs } = input
  const standing = records.filter((record) => records.every((other) => other.id !== record.id || compareOrder(record, other) <= 0))
  const distinct = [...new Map(standing.map((record) => [record.id, record])).values()]
  const withdrawn = new Set(distinct.filter((record) => record.knownAtMs <= anchorMs).map((record) => record.retracts))
  const visible = distinct.filter(
    (record) =>
      record.retracts === undefined &&
      record.keys[view.key] === entityId &&
      record.eventTimeMs < anchorMs &&
      record.knownAtMs <= anchorMs &&
      !withdrawn.has(record.id),
  )
  return new Map(view.features.map((feature) => [feature.name, naiveFeature({ view, feature, visible, anchorMs })]))
}

function naiveFeature(input: { view: CompiledView; feature: CompiledFeature; visible: readonly Fact[]; anchorMs: number }): NaiveValue {
  const { view, feature, visible, anchorMs } = input
  const startMs = startOf(feature, anchorMs)
  const name = view.columns[feature.column]?.name
  const inside = visible.filter((fact) => fact.eventTimeMs >= startMs && (name === undefined || fact.values[name] !== undefined))
  const ordered = inside.toSorted(
    (a, b) => a.eventTimeMs - b.eventTimeMs || a.knownAtMs - b.knownAtMs || Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)),
  )
  const value = aggregate(feature.aggregation, name === undefined ? ordered.map(() => 1) : ordered.map((fact) => fact.values[name]!))
  return value === undefined ? undefined : { value, eventTimeMs: ordered.at(-1)?.eventTimeMs }
}

function startOf({ window }: CompiledFeature, anchorMs: number): number {
  return window === undefined ? -Infinity : Math.floor((anchorMs - window.widthMs) / window.hopMs) * window.hopMs
}

function aggregate(aggregation: CompiledFeature['aggregation'], values: readonly (number | string)[]): number | string | undefined {
  const numbers = values as readonly number[]
  const sum = numbers.reduce((total, value) => total + value, 0)
  if (aggregation === 'count') return values.length
  if (aggregation === 'sum') return sum
  if (values.length === 0) return undefined
  const mean = sum / values.length
  switch (aggregation) {
    case 'mean':
      return mean
    case 'min':
      return Math.min(...numbers)
    case 'max':
      return Math.max(...numbers)
    case 'std':
      return Math.sqrt(numbers.reduce((total, value) => total + (value - mean) ** 2, 0) / values.length)
    case 'first':
      return values[0]
    case 'last':
      return values.at(-1)
  }
}
