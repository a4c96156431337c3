import { ServiceError } from '../../contracts/errors.ts'
import type { FileOptions } from './file-source.ts'

export type ChosenColumns = {
  /** The name of each column of the file; undefined for one that is passed over. */
  names: (string | undefined)[]
  notes: string[]
}

/** The column in which pandas writes its index: without a name, and so named when it is read and written again. */
const pandasIndex = /^(?:|Unnamed: 0(?:\.\d+)?|__index_level_\d+__)$/

/** Chooses the columns of a file to read. Throws `invalid_request` for a name that stands twice and for names that nobody knows. */
export function chooseColumns(found: readonly string[], { columns, ignored = [] }: FileOptions): ChosenColumns {
  const passedOver = new Set(ignored)
  const indexes = found.filter((name, at) => isPandasIndex(name, at) && !columns.isKnown(name) && !passedOver.has(name))
  const isPassedOver = (name: string, at: number) => passedOver.has(name) || (indexes.includes(name) && isPandasIndex(name, at))
  const names = found.map((name, at) => (isPassedOver(name, at) ? undefined : name))
  refuseTwice(names)
  refuseUnknown(names, columns)
  return { names, notes: indexes.map((name) => `the column ${JSON.stringify(name)} is pandas' index, and is passed over`) }
}

function isPandasIndex(name: string, at: number): boolean {
  return pandasIndex.test(name) && (name !== '' || at === 0)
}

function refuseTwice(names: readonly (string | undefined)[]): void {
  const twice = names.find((name, at) => name !== undefined && names.indexOf(name) !== at)
  if (twice === undefined) return
  throw new ServiceError('invalid_request', `the column ${JSON.stringify(twice)} is written twice`, { path: twice })
}

function refuseUnknown(names: readonly (string | undefined)[], columns: FileOptions['columns']): void {
  const unknown = names.flatMap((name, at) => (name === undefined || columns.isKnown(name) ? [] : [{ name, at }]))
  const [first] = unknown
  if (first === undefined) return
  const listed = unknown.map(({ name, at }) => (name === '' ? `the one without a name at ${at + 1}` : JSON.stringify(name))).join(', ')
  throw new ServiceError('invalid_request', `these columns are unknown: ${listed}`, {
    path: first.name,
    hint: `columns are ${columns.description}; --ignore-columns passes over others`,
  })
}
