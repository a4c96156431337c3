import { type CatalogTable, readOwnTables } from './catalog-tables-chdb.ts'
import type { Reads } from './read-only-guard.ts'
import { allowedTableFunctions } from './read-only-rules.ts'
import type { Lease } from '../engine/session-slot-chdb.ts'
import { tokenize } from '../sql/sql-lexer.ts'
import { type SyntaxNode, parseSyntaxTree, tableOfIn } from '../sql/syntax-tree.ts'

/**
 * How much a statement reads, as far as that can be known before it runs: `little`, `little through views` whose tables are small, or
 * perhaps `much`.
 */
export type ReadAmount = 'little' | 'little through views' | 'much'

export type ReadAmounts = ReturnType<typeof createReadAmounts>

/** The most rows that a statement may read to be thought to read little. */
const maxRows = 1_000_000

/** Remembers what each view reads for as long as its definition stays. */
export function createReadAmounts() {
  const remembered = new Map<string, { definition: string; sources: Sources }>()

  async function sourcesOf(lease: Lease, { database, table, definition }: CatalogTable): Promise<Sources> {
    const key = toKey(database, table)
    const known = remembered.get(key)
    if (known?.definition === definition) return known.sources
    const tree = (await lease.query(`EXPLAIN AST ${withoutParameters(definition)}`, 'TSVRaw')).text()
    const sources = readSources(parseSyntaxTree(tree))
    remembered.set(key, { definition, sources })
    return sources
  }

  /** The rows of all tables from which these views get theirs, each table once. */
  async function countRows(lease: Lease, named: readonly CatalogTable[]): Promise<number> {
    const catalog = new Map((await readOwnTables(lease)).map((entry) => [toKey(entry.database, entry.table), entry]))
    const reached = new Set(named.map(({ database, table }) => toKey(database, table)))
    let rows = 0
    // What is added to a set while it is walked through has its turn as well.
    for (const key of reached) {
      const entry = catalog.get(key)
      if (entry === undefined) continue
      if (!isView(entry)) {
        rows += rowsOf(entry)
        continue
      }
      const { tables, called, endless } = await sourcesOf(lease, entry)
      if (endless || called.some((name) => !catalog.has(name))) return Number.POSITIVE_INFINITY
      for (const name of [...tables, ...called]) reached.add(name)
    }
    return rows
  }

  /** `named` are the tables that the statement names, without the engine's own, of which `endless` says whether one has no end. */
  return async function readAmountOf(
    lease: Lease,
    reads: Reads,
    { named, endless }: { named: readonly CatalogTable[]; endless: boolean },
  ): Promise<ReadAmount> {
    if (reads.metadata) return 'little'
    if (reads.endless || endless) return 'much'
    const hasViews = named.some(isView)
    const rows = hasViews ? await countRows(lease, named) : named.reduce((sum, entry) => sum + rowsOf(entry), 0)
    if (rows > maxRows) return 'much'
    return hasViews ? 'little through views' : 'little'
  }
}

/** The tables and views that a view's definition reads, by names with their databases, as the engine keeps them. */
type Sources = {
  tables: string[]
  /** Views with parameters, and table functions that may read anything. */
  called: string[]
  /** Whether it makes as many rows as it is told. */
  endless: boolean
}

/** The engine explains no statement whose parameters have no values; where they stand is all the same to what it reads. */
function withoutParameters(definition: string): string {
  const tokens = [...tokenize(definition)]
  let text = ''
  let at = 0
  for (const [index, open] of tokens.entries()) {
    const [name, colon] = tokens.slice(index + 1, index + 3)
    if (open.text !== '{' || name?.kind !== 'word' || colon?.text !== ':') continue
    const end = tokens.slice(index).find((token) => token.text === '}')?.end ?? open.end
    text += `${definition.slice(at, open.start)}NULL`
    at = end
  }
  return text + definition.slice(at)
}

function readSources(nodes: readonly SyntaxNode[]): Sources {
  const functions = nodes.filter(({ kind }) => kind === 'Function')
  const sources = functions.filter(({ parent }) => parent?.kind === 'TableExpression').map(({ name }) => name)
  const rowsMadeBy = (name: string) => allowedTableFunctions.get(name.toLowerCase())
  return {
    tables: [
      ...nodes.filter(({ kind }) => kind === 'TableIdentifier').map(({ name }) => name),
      ...functions.flatMap((node) => tableOfIn(node) ?? []),
    ],
    called: sources.filter((name) => rowsMadeBy(name) === undefined),
    endless: sources.some((name) => rowsMadeBy(name) === 'endless'),
  }
}

function isView({ engine }: CatalogTable): boolean {
  return engine === 'View'
}

function rowsOf({ rows }: CatalogTable): number {
  return rows ?? Number.POSITIVE_INFINITY
}

function toKey(database: string, table: string): string {
  return `${database}.${table}`
}
