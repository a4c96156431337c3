import { toTimestamp } from '../../contracts/primitives.ts'
import { isRecord } from '../../platform/files/file-source.ts'
import { readTime, type TimeOptions } from '../../platform/files/file-time.ts'
import { nest } from './label-columns.ts'

/** How a value of a file becomes the field's; `problem` where it cannot, and the value as it is where the schema shall judge it. */
type Convert = (value: unknown, options: TimeOptions) => unknown

/** Why a field cannot be what the file has. */
export class FieldProblem extends Error {
  readonly path: string
  constructor(path: string, message: string) {
    super(message)
    this.name = 'FieldProblem'
    this.path = path
  }
}

const decimal = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/
const booleans: Readonly<Record<string, boolean>> = { true: true, false: false, '1': true, '0': false }

const toNumber: Convert = (value) => {
  if (typeof value === 'boolean') return Number(value)
  if (typeof value === 'bigint') return Number(value)
  if (typeof value !== 'string') return value
  if (decimal.test(value)) return Number(value)
  const known = booleans[value.toLowerCase()]
  if (known === undefined) throw new RangeError('is no number')
  return Number(known)
}

const toBoolean: Convert = (value) => (typeof value === 'boolean' ? value : (booleans[String(value).toLowerCase()] ?? value))

/** Ids and names: a number is the text of its digits, as long as a double holds them all. */
const toText: Convert = (value) => {
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (typeof value !== 'number') return value
  if (Number.isSafeInteger(value)) return String(value)
  throw new RangeError(
    Number.isInteger(value) ? 'is a number of more digits than a double holds: write it as text' : 'must be text or an integer',
  )
}

const toTime: Convert = (value, options) => {
  const time = readTime(value, options)
  if (typeof time !== 'number') throw new RangeError(time.problem)
  if (Number.isNaN(new Date(time).getTime())) throw new RangeError('must lie between the years 1900 and 2299')
  return toTimestamp(time)
}

const toTags: Convert = (value) => (typeof value === 'string' ? value.split(';').map((tag) => tag.trim()) : value)

const toTexts: Convert = (value, options) =>
  isRecord(value) ? mapFields(value, (name, member) => within(name, () => toText(member, options))) : value

const converters: Readonly<Record<string, Convert>> = {
  ...{ label_id: toText, prediction_id: toText, request_id: toText, supersedes: toText, value_text: toText },
  ...{ index: toNumber, value_number: toNumber, confidence: toNumber },
  ...{ event_time: toTime, known_at: toTime, anchor_time: toTime },
  ...{ entities: toTexts, source: toTexts, retracted: toBoolean, tags: toTags },
}

/** A file's record as the fields of a label; what does not convert is left for the schema to refuse, or throws a `FieldProblem`. */
export function toFields(record: Readonly<Record<string, unknown>>, options: TimeOptions): Record<string, unknown> {
  return mapFields(nest(record), (name, value) => within(name, () => (converters[name] ?? keep)(value, options)))
}

const keep: Convert = (value) => value

function mapFields(record: Record<string, unknown>, convert: (name: string, value: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, convert(name, value)]))
}

function within(name: string, convert: () => unknown): unknown {
  try {
    return convert()
  } catch (error) {
    if (error instanceof RangeError) throw new FieldProblem(name, error.message)
    if (error instanceof FieldProblem) throw new FieldProblem(`${name}.${error.path}`, error.message)
    throw error
  }
}
