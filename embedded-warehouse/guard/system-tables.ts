import { allowedDatabaseEngines } from './read-only-rules.ts'
import { identifierName, namesIn, type Token, tokenize } from '../sql/sql-lexer.ts'

/** Tables of `system` that say nothing of other people's queries or of the machine. */
const openTables = namesIn(`
  aggregate_function_combinators, build_options, codecs, collations, constraints, contributors, current_roles,
  data_skipping_index_types, data_type_families, database_engines, dictionary_layouts, documentation, enabled_roles,
  events, formats, functions, keywords, licenses, merge_tree_settings, metrics, numbers, numbers_mt, one,
  primes, settings_changes, table_engines, table_functions, time_zones, tokenizers, unicode, zeros, zeros_mt
`)

/** How a query sees a partly open table: the rows about what an analyst may read, in the columns without `hides`. */
type PartlyOpen = { hides: readonly string[]; database: string; table?: string }

const partlyOpen: Readonly<Record<string, PartlyOpen>> = {
  databases: { hides: ['data_path', 'metadata_path', 'engine_full'], database: 'name' },
  tables: { hides: ['data_paths', 'metadata_path', 'definer'], database: 'database', table: 'name' },
  columns: { hides: [], database: 'database', table: 'table' },
  dictionaries: { hides: ['origin', 'source', 'last_exception'], database: 'database' },
  data_skipping_indices: { hides: [], database: 'database', table: 'table' },
  projections: { hides: [], database: 'database', table: 'table' },
  parts: { hides: ['path', 'disk_name'], database: 'database', table: 'table' },
}

const endlessTables: ReadonlySet<string> = new Set(['numbers', 'numbers_mt', 'zeros', 'zeros_mt', 'primes'])

export const systemDatabase = 'system'

/** How analysts see the tables of `system`. */
export type SystemTables = {
  access(table: string): 'open' | 'partly' | 'closed'
  isEndless(table: string): boolean
  /**
   * The statement with each partly open table replaced by what an analyst may see of it, which keeps its name or alias.
   * `expected` counts the places; undefined when the text shows another number, as then a place was missed.
   */
  restrict(canonical: string, expected: number): string | undefined
}

/**
 * `columns` are the names of the columns of each table of `system` in this build, in their order; `openSettings` those that an
 * analyst may set, which clients ask `system.settings` for.
 */
export function createSystemTables(columns: ReadonlyMap<string, readonly string[]>, openSettings: readonly string[] = []): SystemTables {
  const views = new Map(
    Object.entries(partlyOpen).flatMap(([name, rule]) => (columns.has(name) ? [[name, viewOf(name, rule, columns.get(name) ?? [])]] : [])),
  )
  views.set('settings', settingsView(openSettings))
  return {
    access: (table) => (openTables.has(table) ? 'open' : views.has(table) ? 'partly' : 'closed'),
    isEndless: (table) => endlessTables.has(table),
    restrict: (canonical, expected) => (expected === 0 ? canonical : restrict(canonical, expected, views)),
  }
}

function viewOf(name: string, { hides, database, table }: PartlyOpen, columns: readonly string[]): string {
  const shown = columns.filter((column) => !hides.includes(column)).map((column) => `\`${column}\``)
  const engines = list([...allowedDatabaseEngines])
  const readable = `${database} IN (SELECT name FROM system.databases WHERE engine IN (${engines}))`
  const ofSystem =
    table === undefined
      ? ''
      : ` AND (${database} != 'system' OR ${table} IN (${list([...openTables, ...Object.keys(partlyOpen), 'settings'])}))`
  return `(SELECT ${shown.join(', ')} FROM system.${name} WHERE ${readable}${ofSystem})`
}

function settingsView(open: readonly string[]): string {
  return `(SELECT * REPLACE (toUInt8(name NOT IN (${list(open)})) AS readonly) FROM system.settings)`
}

function list(values: readonly string[]): string {
  return values.map((value) => `'${value}'`).join(', ')
}

type TableReference = { start: number; end: number; table: string; alias: string | undefined; isColumn: boolean }

function restrict(canonical: string, expected: number, views: ReadonlyMap<string, string>): string | undefined {
  const places = findPlaces([...tokenize(canonical)], views)
  if (places.filter((place) => !place.isColumn).length !== expected) return undefined
  const aliases = new Map(places.toReversed().flatMap(({ table, alias }) => (alias === undefined ? [] : [[table, alias]])))
  const nameOf = (table: string) => aliases.get(table) ?? table
  let text = ''
  let at = 0
  for (const place of places) {
    const alias = place.alias === undefined ? ` AS ${place.table}` : ''
    text += canonical.slice(at, place.start) + (place.isColumn ? nameOf(place.table) : `${views.get(place.table)}${alias}`)
    at = place.end
  }
  return text + canonical.slice(at)
}

/** Finds each `system.table`, and with a further dot a column of it. */
function findPlaces(tokens: readonly Token[], views: ReadonlyMap<string, string>): TableReference[] {
  const isName = (token: Token | undefined): token is Token => token?.kind === 'word' || token?.kind === 'quoted'
  return tokens.flatMap((token, index) => {
    const [dot, table, next, alias] = tokens.slice(index + 1, index + 5)
    if (!isName(token) || identifierName(token) !== systemDatabase || tokens[index - 1]?.text === '.') return []
    if (dot?.text !== '.' || !isName(table) || !views.has(identifierName(table))) return []
    const named = next?.kind === 'word' && next.text === 'AS' && isName(alias) ? alias.text : undefined
    return [{ start: token.start, end: table.end, table: identifierName(table), alias: named, isColumn: next?.text === '.' }]
  })
}
