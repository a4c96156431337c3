import type { Aggregation } from '../../contracts/aggregations.ts'
import type { CompiledFeature, CompiledView } from '../engine/compile-view.ts'
import { compareOrder, type Fact } from '../engine/fact.ts'

/** A value as the third executor gives it: none means missing, no_events. */
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
  const value = aggregates[feature.aggregation](ordered.map((fact) => (name === undefined ? 1 : fact.values[name]!)))
  return value === undefined ? undefined : { value, eventTimeMs: ordered.at(-1)?.eventTimeMs }
}

function startOf({ window }: CompiledFeature, anchorMs: number): number {
  return window === undefined ? -Infinity : Math.floor((anchorMs - window.widthMs) / window.hopMs) * window.hopMs
}

type Values = readonly (number | string)[]

const ofNumbers =
  (aggregate: (numbers: readonly number[]) => number) =>
  (values: Values): number | undefined =>
    values.length === 0 ? undefined : aggregate(values as readonly number[])

const sum = (numbers: readonly number[]) => numbers.reduce((total, value) => total + value, 0)
const mean = (numbers: readonly number[]) => sum(numbers) / numbers.length

const aggregates = {
  count: (values) => values.length,
  sum: (values) => sum(values as readonly number[]),
  mean: ofNumbers(mean),
  min: ofNumbers((numbers) => Math.min(...numbers)),
  max: ofNumbers((numbers) => Math.max(...numbers)),
  std: ofNumbers((numbers) => Math.sqrt(mean(numbers.map((value) => (value - mean(numbers)) ** 2)))),
  last: (values) => values.at(-1),
  first: (values) => values[0],
} satisfies Record<Aggregation, (values: Values) => number | string | undefined>
