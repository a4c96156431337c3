import type { Derivation } from '../../contracts/model-definition.ts'
import type { Scalar } from '../../contracts/primitives.ts'
import type { Project } from '../../platform/project/project.ts'
import { localHour, localWeekday } from '../../platform/time/time-zone.ts'
import { ownEntry } from '../../platform/project/own-entry.ts'

export type DerivedFrom = {
  anchorTimeMs: number
  /** The value of another feature of the model; undefined when it is missing. */
  valueOf(feature: string): Scalar | undefined
  entities: Readonly<Record<string, string>>
  lookups: Project['lookups']
}

/** `missing_input`: a feature or role is absent. `not_in_lookup`: the id is not listed. `undefined_result`: as x / 0. */
export type DerivedValue = { value: number } | { missing: 'missing_input' | 'not_in_lookup' | 'undefined_result' }

/** Computes one of the closed list of derived functions. Pure; never NaN or infinite: what has no result is missing. */
export function derive(derivation: Derivation, from: DerivedFrom): DerivedValue {
  switch (derivation.function) {
    case 'hour':
      return atLocalTime(derivation.time_zone, from, localHour)
    case 'weekday':
      return atLocalTime(derivation.time_zone, from, localWeekday)
    case 'log1p':
      return ofNumbers([derivation.of], from, ([x = Number.NaN]) => Math.log1p(x))
    case 'ratio':
      return ofNumbers([derivation.a, derivation.b], from, ([a = Number.NaN, b = Number.NaN]) => a / b)
    case 'difference':
      return ofNumbers([derivation.a, derivation.b], from, ([a = Number.NaN, b = Number.NaN]) => a - b)
    case 'bucketize':
      return ofNumbers([derivation.of], from, ([x = Number.NaN]) => bucketOf(x, derivation.boundaries))
    case 'one_hot': {
      const value = from.valueOf(derivation.of)
      return value === undefined ? { missing: 'missing_input' } : { value: value === derivation.category ? 1 : 0 }
    }
  }
}

type TimeZone = Extract<Derivation, { function: 'hour' }>['time_zone']

function atLocalTime(timeZone: TimeZone, from: DerivedFrom, read: (timeZone: string, timeMs: number) => number): DerivedValue {
  if (typeof timeZone === 'string') return { value: read(timeZone, from.anchorTimeMs) }
  const id = ownEntry(from.entities, timeZone.entity)
  if (id === undefined) return { missing: 'missing_input' }
  const zone = ownEntry(from.lookups.get(timeZone.lookup)?.values ?? {}, id)
  return zone === undefined ? { missing: 'not_in_lookup' } : { value: read(zone, from.anchorTimeMs) }
}

function ofNumbers(names: readonly string[], from: DerivedFrom, compute: (values: readonly number[]) => number): DerivedValue {
  const values = names.map((name) => from.valueOf(name))
  if (!values.every((value) => typeof value === 'number')) return { missing: 'missing_input' }
  // Adding 0 turns -0, which JSON writes as 0, into 0: what is stored is what the model saw.
  const result = compute(values) + 0
  return Number.isFinite(result) ? { value: result } : { missing: 'undefined_result' }
}

function bucketOf(x: number, boundaries: readonly number[]): number {
  return boundaries.filter((boundary) => boundary <= x).length
}
