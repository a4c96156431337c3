import type { Derivation } from '../../contracts/model-definition.ts'

/** The features that a derived feature reads. */
export function derivedInputs(derivation: Derivation): string[] {
  switch (derivation.function) {
    case 'hour':
    case 'weekday':
      return []
    case 'log1p':
    case 'bucketize':
    case 'one_hot':
      return [derivation.of]
    case 'ratio':
    case 'difference':
      return [derivation.a, derivation.b]
  }
}

/** The lookup and role by which a derived feature finds its time zone, if it does. */
export function timeZoneLookup(derivation: Derivation): { lookup: string; entity: string } | undefined {
  if (derivation.function !== 'hour' && derivation.function !== 'weekday') return undefined
  return typeof derivation.time_zone === 'string' ? undefined : derivation.time_zone
}
