import { ServiceError } from '../../contracts/errors.ts'
import type { LabelDefinitions, LabelType } from './label-value.ts'

/** The definition of a label by its name. Throws `unknown_label` with the names that there are. */
export function findDefinition(label: unknown, definitions: LabelDefinitions): LabelType {
  const path = 'label'
  if (typeof label !== 'string') throw new ServiceError('invalid_request', 'names no label: --label says which it is', { path })
  const definition = definitions.get(label)
  if (definition !== undefined) return definition
  const known = definitions.size === 0 ? 'none' : [...definitions.keys()].join(', ')
  throw new ServiceError('unknown_label', `the project defines no label ${JSON.stringify(label.slice(0, 64))}; it defines ${known}`, {
    path,
  })
}
