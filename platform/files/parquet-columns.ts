import type { SchemaTree } from 'hyparquet'
import { converterOf, type ToValue } from './parquet-values.ts'

/** A column as records have it: `top` is the column of the file, which for a struct has a column for each member. */
export type ParquetColumn = {
  name: string
  top: string
  /** The column's type in words, where it is one that no record can have. */
  type: string
  /** Takes the column's value out of that of `top`; undefined where the record has none. Missing for a type that no record can have. */
  read?: (value: unknown) => unknown
}

export function toParquetColumns(schema: SchemaTree): ParquetColumn[] {
  return schema.children.flatMap((tree) => (isStruct(tree) ? membersOf(tree) : [columnOf(tree)]))
}

function membersOf(struct: SchemaTree): ParquetColumn[] {
  const top = struct.element.name
  return struct.children.map((tree) => {
    const { name, read, ...column } = columnOf(tree)
    const readMember = read && ((value: unknown) => read((value as Record<string, unknown> | null | undefined)?.[name]))
    return { ...column, name: `${top}.${name}`, top, ...(readMember && { read: readMember }) }
  })
}

function columnOf(tree: SchemaTree): ParquetColumn {
  const { name } = tree.element
  const items = itemsOf(tree)
  const convert = converterOf((items ?? tree).element)
  const type = typeOf(tree)
  if (convert === undefined || (items ?? tree).children.length > 0) return { name, top: name, type }
  const read = items === undefined ? readPlain(convert) : readList(convert)
  return { name, top: name, type, read }
}

function readPlain(convert: ToValue): (value: unknown) => unknown {
  return (value) => (value === null || value === undefined ? undefined : convert(value as Parameters<ToValue>[0]))
}

function readList(convert: ToValue): (value: unknown) => unknown {
  const read = readPlain(convert)
  return (value) => (Array.isArray(value) ? value.map(read).filter((item) => item !== undefined) : undefined)
}

/** What the items of a list are; undefined for what is no list. */
function itemsOf(tree: SchemaTree): SchemaTree | undefined {
  if (tree.children.length === 0) return tree.element.repetition_type === 'REPEATED' ? tree : undefined
  if (!isAnnotated(tree, 'LIST')) return undefined
  const [repeated] = tree.children
  return repeated?.children[0] ?? repeated
}

function isStruct(tree: SchemaTree): boolean {
  return (
    tree.children.length > 0 &&
    tree.element.repetition_type !== 'REPEATED' &&
    !['LIST', 'MAP', 'MAP_KEY_VALUE'].some((type) => isAnnotated(tree, type))
  )
}

function isAnnotated({ element }: SchemaTree, type: string): boolean {
  return element.logical_type?.type === type || element.converted_type === type
}

function typeOf(tree: SchemaTree): string {
  const { logical_type: logical, converted_type: converted, type } = tree.element
  const name = logical?.type ?? converted ?? type
  return name === undefined ? 'a struct within a struct' : `of the type ${name}`
}
