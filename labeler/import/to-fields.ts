import { ServiceError } from '../../contracts/errors.ts'
import { toTimestamp } from '../../contracts/primitives.ts'
import { isRecord } from '../../platform/files/file-source.ts'
import { readTime, type TimeOptions } from '../../platform/files/file-time.ts'
import { nest } from './label-columns.ts'
import { type LabelType, readValueNumber, readValueText } from './label-value.ts'
import { parseBoolean, readNumber, readText, refuse } from './read-scalar.ts'

export type FieldOptions = TimeOptions & { /** The definition of the label that the record names. */ definition: LabelType }

/** How a value of a file becomes the field's; left as it is where the schema shall judge it. Throws a `ServiceError` where it cannot. */
type Convert = (value: unknown, options: FieldOptions) => unknown

const toNumber: Convert = (value) => readNumber(value)

const toBoolean: Convert = (value) => {
  const boolean = parseBoolean(value)
  if (boolean !== undefined) return boolean
  const number = readNumber(value, 'is neither true nor false')
  return number === 0 || number === 1 ? number === 1 : refuse('is neither true nor false')
}

const toTime: Convert = (value, options) => {
  const time = readTime(value, options)
  if (typeof time !== 'number') return refuse(time.problem)
  if (Number.isNaN(new Date(time).getTime())) refuse('must lie between the years 1900 and 2299')
  return toTimestamp(time)
}

const toTags: Convert = (value) => (typeof value === 'string' ? value.split(';').map((tag) => tag.trim()) : value)

const toTexts: Convert = (value) => (isRecord(value) ? mapFields(value, (_, member) => readText(member)) : value)

const converters: Readonly<Record<string, Convert>> = {
  label_id: readText,
  prediction_id: readText,
  request_id: readText,
  supersedes: readText,
  value_number: (value, { definition }) => readValueNumber(value, definition),
  value_text: (value, { definition }) => readValueText(value, definition),
  index: toNumber,
  confidence: toNumber,
  retracted: toBoolean,
  event_time: toTime,
  known_at: toTime,
  anchor_time: toTime,
  entities: toTexts,
  source: toTexts,
  tags: toTags,
}

/** A file's record as the fields of a label. Throws a `ServiceError` with the path of a field that cannot be what the file has. */
export function toFields(record: Readonly<Record<string, unknown>>, options: FieldOptions): Record<string, unknown> {
  return mapFields(nest(record), (name, value) => (converters[name] ?? keep)(value, options))
}

const keep: Convert = (value) => value

function mapFields(record: Record<string, unknown>, convert: (name: string, value: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, within(name, () => convert(name, value))]))
}

function within(name: string, convert: () => unknown): unknown {
  try {
    return convert()
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    throw new ServiceError(error.code, error.message, { path: error.path === undefined ? name : `${name}.${error.path}` })
  }
}
