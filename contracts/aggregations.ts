import type { ValueType } from './primitives.ts'

/** What is kept of the values in a window, tile by tile. `m2` is the sum of the squared deviations from the mean. */
type Moment = 'n' | 'sum' | 'mean' | 'm2' | 'min' | 'max' | 'first' | 'last'

type AggregationRule = {
  /** Whether the result is always a number, or a value as events have it: text, or the number that a value is kept as. */
  gives: 'number' | 'value'
  /** The moments that the aggregation is computed from; they decide which values it takes, and whether it needs a value or a window at all. */
  moments: readonly Moment[]
  /** The value of a window in which nothing happened. */
  ofNone: 'zero' | 'missing'
}

/** Every aggregation and its rules. Each executor is a `Record<Aggregation, ...>`: the compiler names the one that lacks a new row. */
export const aggregationRules = {
  count: { gives: 'number', moments: ['n'], ofNone: 'zero' },
  sum: { gives: 'number', moments: ['sum'], ofNone: 'zero' },
  mean: { gives: 'number', moments: ['n', 'sum'], ofNone: 'missing' },
  min: { gives: 'number', moments: ['min'], ofNone: 'missing' },
  max: { gives: 'number', moments: ['max'], ofNone: 'missing' },
  std: { gives: 'number', moments: ['n', 'm2'], ofNone: 'missing' },
  last: { gives: 'value', moments: ['last'], ofNone: 'missing' },
  first: { gives: 'value', moments: ['first'], ofNone: 'missing' },
} as const satisfies Record<string, AggregationRule>

export type Aggregation = keyof typeof aggregationRules
export type MomentOf<A extends Aggregation> = (typeof aggregationRules)[A]['moments'][number]

export const aggregations = Object.keys(aggregationRules) as [Aggregation, ...Aggregation[]]

/** The moments that are kept: an event without a value can only be counted, text has no arithmetic, and without a window only the latest value is known. */
const keptMoments = { event: ['n'], text: ['n', 'first', 'last'], allTime: ['last'] } as const

function isComputedFrom(aggregation: Aggregation, kept: readonly Moment[]): boolean {
  return aggregationRules[aggregation].moments.every((moment) => kept.includes(moment))
}

export function needsValue(aggregation: Aggregation): boolean {
  return !isComputedFrom(aggregation, keptMoments.event)
}

export function needsWindow(aggregation: Aggregation): boolean {
  return !isComputedFrom(aggregation, keptMoments.allTime)
}

export function takes(aggregation: Aggregation, type: ValueType): boolean {
  return type !== 'text' || isComputedFrom(aggregation, keptMoments.text)
}

/** How a value of an event is kept and aggregated: a boolean as the number 0 or 1. */
export function keptType(type: ValueType): 'number' | 'text' {
  return type === 'text' ? 'text' : 'number'
}

/** The type of what the aggregation gives of values of the type; undefined is the type of no value. */
export function aggregateType(aggregation: Aggregation, type: ValueType | undefined): 'number' | 'text' {
  return aggregationRules[aggregation].gives === 'number' || type === undefined ? 'number' : keptType(type)
}
