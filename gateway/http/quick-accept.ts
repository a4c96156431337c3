import type { z } from 'zod'

/** What a quick check says of a value that it does not accept, or knows nothing of: then zod's own check decides. */
export const notAccepted = Symbol('not accepted')

/** The value in the schema's form, which may be the value itself, or `notAccepted`. */
export type Accept = (value: unknown) => unknown

type Schema = z.core.$ZodType
type Test = (value: never) => boolean

/**
 * A check made once from a schema, for values that `JSON.parse` gave. What it accepts zod accepts too, with an equal output; it makes
 * no copy of what stays as it is, collects no issues, and takes a fraction of the time. Of what it does not know of zod, it accepts nothing.
 */
export function createQuickAccept(schema: Schema): Accept {
  const { def } = (schema as z.core.$ZodTypes)._zod
  const tests = toTests(def)
  if (tests === undefined || (tests.length > 0 && !tested.includes(def.type))) return refuseAll
  switch (def.type) {
    case 'string':
      return def.coerce ? refuseAll : (value) => (typeof value === 'string' && passes(tests, value) ? value : notAccepted)
    case 'number':
      return def.coerce ? refuseAll : (value) => (Number.isFinite(value) && passes(tests, value) ? value : notAccepted)
    case 'boolean':
      return def.coerce ? refuseAll : (value) => (typeof value === 'boolean' && passes(tests, value) ? value : notAccepted)
    case 'custom':
      return (value) => (passes(tests, value) ? value : notAccepted)
    case 'enum':
      return acceptEnum(Object.values(def.entries))
    case 'optional':
      return acceptOr(undefined, createQuickAccept(def.innerType))
    case 'nullable':
      return acceptOr(null, createQuickAccept(def.innerType))
    case 'default':
      return acceptDefault(() => def.defaultValue, createQuickAccept(def.innerType))
    case 'union':
      return acceptUnion(def.options)
    case 'pipe':
      return acceptPipe(createQuickAccept(def.in), def.out)
    case 'array':
      return acceptArray(createQuickAccept(def.element), tests)
    case 'record':
      return acceptRecord(def)
    case 'object':
      return acceptObject(def)
    default:
      return refuseAll
  }
}

/** The types of schemas whose checks are tests of the value as it was sent. */
const tested = ['string', 'number', 'boolean', 'array', 'custom']

const refuseAll: Accept = () => notAccepted

function passes(tests: readonly Test[], value: unknown): boolean {
  for (const test of tests) if (!test(value as never)) return false
  return true
}

/** The checks of a schema, of which a format or a custom function may be its own; undefined when one of them is not known. */
function toTests(def: z.core.$ZodTypeDef): Test[] | undefined {
  const own = 'check' in def ? [def as unknown as z.core.$ZodCheckDef] : []
  const tests = [...own, ...(def.checks ?? []).map((check) => check._zod.def)].map(toTest)
  return tests.includes(undefined) ? undefined : (tests as Test[])
}

function toTest(check: z.core.$ZodCheckDef): Test | undefined {
  const def = check as z.core.$ZodChecks['_zod']['def'] | (z.core.$ZodCustomDef & { check: 'custom' })
  switch (def.check) {
    case 'min_length':
      return (value: { length: number }) => value.length >= def.minimum
    case 'max_length':
      return (value: { length: number }) => value.length <= def.maximum
    case 'greater_than':
    case 'less_than':
      return typeof def.value === 'number' ? toBoundTest(def.check, def.value, def.inclusive) : undefined
    case 'number_format':
      return def.format === 'safeint' ? Number.isSafeInteger : undefined
    case 'string_format':
      return toFormatTest(def)
    case 'custom':
      return typeof def.fn === 'function' && def.when === undefined ? (value) => Boolean(def.fn(value)) : undefined
    default:
      return undefined
  }
}

function toBoundTest(check: 'greater_than' | 'less_than', bound: number, inclusive: boolean): Test {
  if (check === 'greater_than') return inclusive ? (value: number) => value >= bound : (value: number) => value > bound
  return inclusive ? (value: number) => value <= bound : (value: number) => value < bound
}

/** A test for a format that its pattern defines; undefined for other formats, which check more than their pattern. */
function toFormatTest({ format, pattern }: z.core.$ZodCheckStringFormatDef): Test | undefined {
  if (pattern === undefined || pattern.global || pattern.sticky || !['regex', 'datetime'].includes(format)) return undefined
  return (value: string) => pattern.test(value)
}

function acceptEnum(values: readonly unknown[]): Accept {
  const known = new Set(values)
  return values.every((value) => typeof value === 'string') ? (value) => (known.has(value) ? value : notAccepted) : refuseAll
}

function acceptOr(also: undefined | null, accept: Accept): Accept {
  return (value) => (value === also ? value : accept(value))
}

function acceptDefault(defaultValue: () => unknown, accept: Accept): Accept {
  return (value) => (value === undefined ? defaultValue() : accept(value))
}

/** Of members that take values of different types: of others an earlier one, of which nothing is known here, may be zod's choice. */
function acceptUnion(options: readonly Schema[]): Accept {
  const types = options.map(typeTaken)
  if (types.includes(undefined) || new Set(types).size < types.length) return refuseAll
  const members = options.map(createQuickAccept)
  return (value) => {
    for (const accept of members) {
      const accepted = accept(value)
      if (accepted !== notAccepted) return accepted
    }
    return notAccepted
  }
}

/** The one type of values that the schema takes, before it changes them; undefined where it takes others, or that is not known. */
function typeTaken(schema: Schema): string | undefined {
  const { def } = (schema as z.core.$ZodTypes)._zod
  if (def.type === 'pipe') return typeTaken(def.in)
  return (def.type === 'string' || def.type === 'number' || def.type === 'boolean') && !def.coerce ? def.type : undefined
}

/** Accepts what the first schema does and a transformation takes; a pipe into any other schema accepts nothing. */
function acceptPipe(accept: Accept, out: Schema): Accept {
  const { def } = (out as z.core.$ZodTypes)._zod
  if (def.type !== 'transform') return refuseAll
  return (value) => {
    const accepted = accept(value)
    if (accepted === notAccepted) return notAccepted
    const payload = { value: accepted, issues: [] }
    const transformed = def.transform(accepted, payload as never)
    return payload.issues.length > 0 || transformed instanceof Promise ? notAccepted : transformed
  }
}

function acceptArray(accept: Accept, tests: readonly Test[]): Accept {
  return (value) => {
    if (!Array.isArray(value) || !passes(tests, value)) return notAccepted
    let result: unknown[] = value
    for (let index = 0; index < value.length; index++) {
      const accepted = accept(value[index])
      if (accepted === notAccepted) return notAccepted
      if (accepted === value[index]) continue
      if (result === value) result = [...value]
      result[index] = accepted
    }
    return result
  }
}

function acceptRecord({ keyType, valueType, mode }: z.core.$ZodRecordDef): Accept {
  const keys = (keyType as z.core.$ZodTypes)._zod.def
  if (keys.type !== 'string' || mode === 'loose') return refuseAll
  const acceptKey = createQuickAccept(keyType)
  const accept = createQuickAccept(valueType)
  return (value) => {
    if (!isPlainObject(value)) return notAccepted
    let result = value
    for (const key in value) {
      if (key === '__proto__' || acceptKey(key) === notAccepted) return notAccepted
      const accepted = accept(value[key])
      if (accepted === notAccepted) return notAccepted
      if (accepted !== value[key]) result = changed(result, value, key, accepted)
    }
    return result
  }
}

/** Accepts objects with the schema's fields. Without a check for others they must have no more: zod would leave those out. */
function acceptObject({ shape, catchall }: z.core.$ZodObjectDef): Accept {
  const fields = Object.entries(shape).map(([name, schema]) => ({ name, accept: createQuickAccept(schema) }))
  if (fields.some(({ name }) => name in Object.prototype)) return refuseAll
  const names = new Set(fields.map(({ name }) => name))
  const acceptOther = catchall === undefined ? refuseAll : createQuickAccept(catchall)
  return (value) => {
    if (!isPlainObject(value)) return notAccepted
    let result = value
    for (const { name, accept } of fields) {
      const accepted = accept(value[name])
      if (accepted === notAccepted) return notAccepted
      if (accepted !== value[name]) result = changed(result, value, name, accepted)
    }
    for (const key in value) {
      if (names.has(key)) continue
      if (key === '__proto__' || acceptOther(value[key]) !== value[key]) return notAccepted
    }
    return result
  }
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

/** Sets a field of the result, which is a copy from the first change on: what was sent stays as it is. */
function changed(result: Record<string, unknown>, sent: object, name: string, value: unknown): Record<string, unknown> {
  const own: Record<string, unknown> = result === sent ? { ...sent } : result
  own[name] = value
  return own
}
