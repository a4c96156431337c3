import { ServiceError } from '../../contracts/errors.ts'
import { tenant as tenantSchema } from '../../contracts/primitives.ts'

const placeholder = '{tenant}'

export type SubjectPattern = {
  /** The filter that a consumer has for it. */
  filter: string
  /** The tenant that a subject names; undefined where it is no tenant's name. */
  tenantOf(subject: string): string | undefined
}

/**
 * Reads subjects that have a tenant's name as one of their tokens, as `labels.{tenant}.>`. Throws `invalid_config` for a pattern that is
 * none.
 *
 * @example
 * ```ts
 * import { parseSubjectPattern } from './subject-pattern.ts'
 *
 * const pattern = parseSubjectPattern('labels.{tenant}.>')
 * pattern.filter // => 'labels.*.>'
 * pattern.tenantOf('labels.acme.arrivals') // => 'acme'
 * ```
 */
export function parseSubjectPattern(pattern: string): SubjectPattern {
  const tokens = pattern.split('.')
  const at = tokens.indexOf(placeholder)
  if (at === -1 || tokens.filter((token) => token === placeholder).length > 1 || !tokens.every(isToken))
    throw new ServiceError('invalid_config', `${pattern} is no subject with one token ${placeholder}, as labels.${placeholder}.>`)
  return {
    filter: tokens.map((token) => (token === placeholder ? '*' : token)).join('.'),
    tenantOf: (subject) => tenantSchema.safeParse(subject.split('.')[at]).data,
  }
}

function isToken(token: string, at: number, all: readonly string[]): boolean {
  if (token === '>') return at === all.length - 1
  return token === '*' || token === placeholder || /^[^\s.*>{}]+$/.test(token)
}
