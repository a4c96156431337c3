import { toTimestamp } from '../../contracts/primitives.ts'

/** The fields with these times in UTC milliseconds, and without fields that are undefined: the form that is hashed. */
export function normaliseTimes<Fields extends object>(fields: Fields, times: readonly (keyof Fields)[]): Fields {
  const result = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Fields
  for (const name of times) {
    const value = result[name]
    if (typeof value === 'string') result[name] = toTimestamp(Date.parse(value)) as Fields[typeof name]
  }
  return result
}
