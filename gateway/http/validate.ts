import type { z } from 'zod'
import { ServiceError, toFieldPath } from '../../contracts/errors.ts'
import { createQuickAccept, notAccepted } from './quick-accept.ts'

type Issue = z.core.$ZodIssue

/** The value in the schema's form, or `invalid_request` naming the first field at fault. */
export function validate<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw toServiceError(result.error.issues[0], value)
}

/** `validate` for one schema, prepared once: what is valid takes a fraction of zod's time, and may be given back as it is. */
export function createValidator<Schema extends z.ZodType>(schema: Schema): (value: unknown) => z.output<Schema> {
  const accept = createQuickAccept(schema)
  return (value) => {
    const accepted = accept(value)
    return accepted === notAccepted ? validate(schema, value) : (accepted as z.output<Schema>)
  }
}

function toServiceError(issue: Issue | undefined, value: unknown): ServiceError {
  if (issue === undefined) return new ServiceError('invalid_request', 'the request is not valid')
  if (issue.code === 'unrecognized_keys')
    return new ServiceError('invalid_request', 'there is no such field', { path: toFieldPath([...issue.path, issue.keys[0] ?? '']) })
  const path = toFieldPath(issue.path)
  return new ServiceError('invalid_request', describe(issue, valueAt(value, issue.path)), path === '' ? {} : { path })
}

function describe(issue: Issue, value: unknown): string {
  if (value === undefined) return 'is required'
  if (issue.code === 'invalid_type') return `expected ${issue.expected}, received ${typeName(value)}`
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message
  if (issue.code === 'invalid_union') return describeUnion(issue.errors, value)
  return issue.message
}

/** A member whose type fits says what is wrong with the value; otherwise the types are listed. */
function describeUnion(members: readonly Issue[][], value: unknown): string {
  const first = members.map((issues) => issues[0])
  const fitting = first.find((issue) => issue !== undefined && issue.code !== 'invalid_type')
  if (fitting !== undefined) return fitting.message
  const expected = first.map((issue) => (issue?.code === 'invalid_type' ? issue.expected : 'another type'))
  return `expected ${expected.join(' or ')}, received ${typeName(value)}`
}

function typeName(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((current, part) => (isObject(current) && Object.hasOwn(current, part) ? current[part] : undefined), value)
}

function isObject(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === 'object' && value !== null
}
