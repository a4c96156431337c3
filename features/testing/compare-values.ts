import type { Fact } from '../engine/fact.ts'
import type { FeatureValue } from '../engine/feature-value.ts'
import type { NaiveValue } from './naive-features.ts'

/** What is wrong with a value, in words; undefined when it is the expected one, numbers to 1e-9 and the rounding of what went in. */
export function differenceOf(input: {
  name: string
  found: NaiveValue
  expected: NaiveValue
  records: readonly Fact[]
}): string | undefined {
  const { name, found, expected, records } = input
  const message = `${name} is ${JSON.stringify(found)} and should be ${JSON.stringify(expected)}`
  if (found === undefined || expected === undefined) return found === expected ? undefined : message
  if (found.eventTimeMs !== expected.eventTimeMs) return message
  if (typeof found.value !== 'number' || typeof expected.value !== 'number') return found.value === expected.value ? undefined : message
  return Math.abs(found.value - expected.value) <= 1e-9 * Math.max(1, Math.abs(expected.value)) + roundingOf(records) ? undefined : message
}

/** A value of the engine as the other executors say it. `refused` when it answers with another reason than no_events. */
export function fromEngine(value: FeatureValue): NaiveValue | 'refused' {
  if (value.status === 'ok') return { value: value.value, eventTimeMs: value.eventTimeMs }
  return value.reason === 'no_events' ? undefined : 'refused'
}

/** The error that rounding may leave: sums of large numbers round coarsely, whatever is left of them. */
function roundingOf(records: readonly Fact[]): number {
  return 1e-14 * Math.max(0, ...records.map((record) => Math.abs(Number(record.values['level'] ?? 0))))
}
