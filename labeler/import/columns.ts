import { ServiceError } from '../../contracts/errors.ts'
import { labelFields, labelSource } from '../../contracts/label-event.ts'

const nested = new Set(['entities', 'source', 'tags'])
const plainColumns = Object.keys(labelFields.shape).filter((name) => !nested.has(name))
const columns = [...plainColumns, 'tags', ...Object.keys(labelSource.shape).map((name) => `source.${name}`), 'entities.ROLE']

const numberColumns = new Set(['index', 'value_number', 'confidence'])
const entityColumn = /^entities\.[a-z][a-z0-9_]{0,63}$/

/** The names of a flat file's columns, which are the fields of a label. Throws `invalid_request` for any other. */
export function checkColumns(names: readonly string[]): string[] {
  const unknown = names.find((name) => !columns.includes(name) && !entityColumn.test(name))
  if (unknown === undefined) return [...names]
  throw new ServiceError('invalid_request', `the column ${JSON.stringify(unknown)} is no field of a label`, {
    path: unknown,
    hint: `columns are ${columns.join(', ')}`,
  })
}

/** A record of texts as the fields of a label; what does not convert is left as it is, for the schema to refuse. */
export function toFields(record: Readonly<Record<string, string>>): Record<string, unknown> {
  const given = Object.entries(record).filter(([, text]) => text !== '')
  return nest(given.map(([name, text]) => [name, toValue(name, text)]))
}

/** `entities.origin` and `source.kind` as members of `entities` and `source`. */
export function nest(entries: readonly (readonly [name: string, value: unknown])[]): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  for (const [name, value] of entries) {
    const at = name.indexOf('.')
    if (at === -1) fields[name] = value
    else fields[name.slice(0, at)] = { ...(fields[name.slice(0, at)] as object | undefined), [name.slice(at + 1)]: value }
  }
  return fields
}

function toValue(name: string, text: string): unknown {
  if (numberColumns.has(name)) return Number.isFinite(Number(text)) ? Number(text) : text
  if (name === 'tags') return text.split(';').map((tag) => tag.trim())
  if (name !== 'retracted') return text
  if (text === 'true' || text === '1') return true
  return text === 'false' || text === '0' ? false : text
}
