import type { Scalar } from '../../../contracts/primitives.ts'

export type ScalarMaps = { numbers: Record<string, number>; texts: Record<string, string> }

/** Scalars apart by column type: booleans are the numbers 0 and 1. Names begin with a letter, so none is `__proto__`. */
export function toScalarMaps(entries: Iterable<readonly [string, Scalar | undefined]>): ScalarMaps {
  const numbers: Record<string, number> = {}
  const texts: Record<string, string> = {}
  for (const [name, value] of entries) {
    if (typeof value === 'string') texts[name] = value
    else if (value !== undefined) numbers[name] = Number(value)
  }
  return { numbers, texts }
}
