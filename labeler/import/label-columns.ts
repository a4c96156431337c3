import { labelFields, labelSource } from '../../contracts/label-event.ts'
import type { KnownColumns } from '../../platform/files/file-source.ts'

const nested = new Set(['entities', 'source', 'tags'])
const plain = Object.keys(labelFields.shape).filter((name) => !nested.has(name))
const names = [...plain, 'tags', ...Object.keys(labelSource.shape).map((name) => `source.${name}`)]
const entity = /^entities\.[a-z][a-z0-9_]{0,63}$/

/** The columns of a file of labels: the fields of a label, those of `entities` and `source` as `entities.ROLE` and `source.kind`. */
export const labelColumns: KnownColumns = {
  isKnown: (name) => names.includes(name) || entity.test(name),
  description: [...names, 'entities.ROLE'].join(', '),
}

/** `entities.origin` and `source.kind` as members of `entities` and `source`, where a file has them as columns. */
export function nest(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(record)) {
    const at = name.indexOf('.')
    if (at === -1) fields[name] = value
    else fields[name.slice(0, at)] = { ...(fields[name.slice(0, at)] as object | undefined), [name.slice(at + 1)]: value }
  }
  return fields
}
