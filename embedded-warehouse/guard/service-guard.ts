import { EngineError } from '../engine/engine-error.ts'
import type { FunctionCatalog } from './function-catalog-chdb.ts'
import { findParsedArgument, isParsedSetting, valuesSettings } from '../sql/parsed-arguments.ts'
import { allowedTableFunctions } from './read-only-rules.ts'
import { identifierName, namesIn, type Token, tokenize } from '../sql/sql-lexer.ts'
import { type SyntaxNode, appliedFunctions, functionArgument, imitatesTree, parseSyntaxTree, tableOfIn } from '../sql/syntax-tree.ts'

const allowedRoots = namesIn(`
  SelectWithUnionQuery, Explain, DescribeQuery, InsertQuery, CreateQuery, AlterQuery, DropQuery, TruncateQuery,
  DetachQuery, AttachQuery, UndropQuery, Rename, OptimizeQuery, DeleteQuery, UpdateQuery, CheckQuery, Set, UseQuery,
  SYSTEM, KillQueryQuery, CreateSQLFunctionQuery, DropFunctionQuery, CreateIndexQuery, DropIndexQuery, ShowTables,
  ShowColumns, ShowIndexes, ShowFunctions, ShowEngineQuery, ShowSetting, ShowProcesslistQuery, ShowCreateTableQuery,
  ShowCreateViewQuery, ShowCreateDatabaseQuery, ExistsTableQuery, ExistsViewQuery, ExistsDatabaseQuery
`)

/** Table functions that read the warehouse's own tables, or the rows that came with the request. */
const ownTableFunctions: ReadonlySet<string> = new Set(['merge', 'input', 'mergetreeindex', 'mergetreeprojection'])

/** Functions of expressions that read files, load models or ask other servers. */
const deniedFunctions = namesIn(`
  file, catboostevaluate, evalmlmethod, hascolumnintable, showcertificate, eval, chdb, reversednsquery,
  aiclassify, aiembed, aiextract, aigenerate, aitranslate
`)

/** Settings that name a file or a server, run a query of their own, or have the engine read another text than was judged. */
const deniedSettings =
  /^((polyglot_)?dialect|promql_\w+|implicit_table_at_top_level|format_schema\w*|output_format_schema|format_template_(row|resultset)|format_avro_schema_registry_url|\w*_file_path|url_base|cluster_for_parallel_replicas|ai_function_\w*credentials)$/

/** Throws ACCESS_DENIED for a setting whose value would be computed, or reaches outside. */
export function checkSetting(name: string): void {
  if (isParsedSetting(name)) throw denied(`the setting ${name} decides what is computed`)
  if (deniedSettings.test(name.toLowerCase())) throw denied(`the setting ${name} reaches outside the warehouse`)
}

const allowedEngine = /^(\w*MergeTree|Memory|Null|Set|Join|Log|TinyLog|StripeLog|Merge|Buffer|GenerateRandom|Atomic|Ordinary)$/

/** SYSTEM commands that change nothing but what the engine does next; others write files, read configurations or end the process. */
const allowedSystem = /^SYSTEM ((STOP|START) (TTL )?MERGES|FLUSH LOGS|FLUSH ASYNC INSERT QUEUE|WAIT LOADING PARTS|SYNC MERGES)\b/

/** Statements whose first names are of the table that they change. */
const changesTable = /^(Insert|Alter|Delete|Update|Optimize|Truncate|Check)/

/**
 * Refuses what would make the engine read or write beyond the warehouse. Returns the names in places of tables: one that is
 * not a table's could be a file's. Throws ACCESS_DENIED.
 */
export function judgeServiceStatement({ tree, canonical }: { tree: string; canonical: string }, catalog: FunctionCatalog): string[] {
  const tokens = [...tokenize(canonical)]
  if (tokens.some((token) => token.kind === 'quoted' && imitatesTree(token.text)))
    throw denied('a name must not hold line breaks or other control characters')
  const nodes = parseSyntaxTree(tree)
  const root = nodes[0]
  if (root === undefined || !allowedRoots.has(root.kind)) throw denied(`${root?.kind ?? 'an empty statement'} is not taken`)
  for (const node of nodes) checkNode(node, catalog)
  const applied = appliedFunctions(nodes, tokens)
  if (applied === undefined) throw denied('APPLY takes the plain name of a function here')
  for (const name of applied) if (deniedFunctions.has(name)) throw outside(name)
  const parsed = findParsedArgument(tokens, nodes)
  if (parsed !== undefined) throw denied(parsed)
  checkText(root, tokens)
  return [...tablesOf(root, nodes), ...copiedTables(root, tokens)]
}

function checkNode(node: SyntaxNode, catalog: FunctionCatalog): void {
  const name = node.name.toLowerCase()
  if (node.kind === 'Dictionary') throw denied('a dictionary reads its source, which can be anywhere')
  if (node.kind !== 'Function') return
  const place = node.parent
  if (place?.kind === 'Storage' && place.children[0] === node) {
    if (!allowedEngine.test(node.name)) throw denied(`the engine ${node.name} keeps its data outside the warehouse`)
  } else if (isTableFunction(node) && catalog.isTableFunction(name)) {
    if (!allowedTableFunctions.has(name) && !ownTableFunctions.has(name)) throw outside(node.name)
  } else {
    const argument = catalog.takesFunction(name) ? functionArgument(node) : undefined
    for (const called of [name, argument ?? '']) if (deniedFunctions.has(called)) throw outside(called)
  }
}

function isTableFunction({ parent }: SyntaxNode): boolean {
  return parent?.kind === 'TableExpression' || parent?.kind === 'InsertQuery' || parent?.kind === 'CreateQuery'
}

/** Checks the text for what the tree does not print. */
function checkText(root: SyntaxNode, tokens: readonly Token[]): void {
  if (root.kind === 'SYSTEM' && !allowedSystem.test(tokens.map(({ text }) => text).join(' ')))
    throw denied('this SYSTEM command is not taken')
  const isDdl = /^(Create|Attach|Alter)/.test(root.kind)
  const setsSettings = tokens.some((token) => token.kind === 'word' && /^(SET|SETTINGS?)$/.test(token.text))
  for (const [index, token] of tokens.entries()) {
    const next = tokens[index + 1]
    const name = token.kind === 'word' || token.kind === 'quoted' ? identifierName(token).toLowerCase() : ''
    if (next?.text === '(' && deniedFunctions.has(name)) throw outside(name)
    if (isDdl && next?.text === '=' && (name === 'disk' || name === 'storage_policy')) throw denied(`${name} leads outside the warehouse`)
    if (root.kind === 'AttachQuery' && name === 'from' && next?.kind === 'string') throw denied('ATTACH FROM names a folder')
    if (next?.text === '=' && valuesSettings.some((setting) => setting === name))
      throw denied(`the setting ${name} decides what is computed`)
    // In a statement without any of these words the name is a column's.
    if (next?.text === '=' && setsSettings) checkSetting(name)
    if (/^(out|in)file$/.test(name) && next?.kind === 'string') throw denied(`${name} names a file`)
  }
}

function tablesOf(root: SyntaxNode, nodes: readonly SyntaxNode[]): string[] {
  const names = nodes.flatMap((node) => {
    if (node.kind === 'TableIdentifier') return [node.name]
    return node.kind === 'Function' ? [tableOfIn(node) ?? []].flat() : []
  })
  if (!changesTable.test(root.kind)) return names
  const own = root.children.filter((child) => child.kind === 'Identifier').map((child) => child.name)
  return own.length === 0 ? names : [...names, own.join('.')]
}

/** CREATE TABLE ... AS another one, whose engine it takes over. */
function copiedTables(root: SyntaxNode, tokens: readonly Token[]): string[] {
  if (root.kind !== 'CreateQuery') return []
  let depth = 0
  return tokens.flatMap((token, index) => {
    if (token.text === '(') depth += 1
    if (token.text === ')') depth -= 1
    if (depth > 0 || token.kind !== 'word' || token.text !== 'AS') return []
    const [name, dot, second] = tokens.slice(index + 1, index + 4)
    if (name === undefined || (name.kind !== 'word' && name.kind !== 'quoted') || dot?.text === '(') return []
    if (name.kind === 'word' && ['SELECT', 'WITH', 'FROM'].includes(name.text)) return []
    return [dot?.text === '.' && second !== undefined ? `${identifierName(name)}.${identifierName(second)}` : identifierName(name)]
  })
}

function outside(name: string): EngineError {
  return denied(`the function ${name} reaches outside the warehouse`)
}

export function denied(reason: string): EngineError {
  return new EngineError(497, 'ACCESS_DENIED', `Not allowed on the embedded warehouse: ${reason}`)
}
