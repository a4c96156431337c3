import { EngineError } from '../engine/engine-error.ts'
import type { FunctionCatalog } from './function-catalog-chdb.ts'
import { allowedNodes, allowedRoots, allowedShows, allowedTableFunctions } from './read-only-rules.ts'
import { findParsedArgument } from '../sql/parsed-arguments.ts'
import type { SettingsPolicy } from './settings-policy.ts'
import { type Token, identifierName, tokenize } from '../sql/sql-lexer.ts'
import { type SyntaxNode, appliedFunctions, functionArgument, imitatesTree, parseSyntaxTree, tableOfIn } from '../sql/syntax-tree.ts'

export type GuardOptions = {
  catalog: FunctionCatalog
  settings: SettingsPolicy
  /** Tables that the read-only port does not show, by their full name. */
  deniedTables: RegExp
}

/** What a statement that may run reads; whether it may read that is judged by who knows the tables. */
export type Reads = {
  /** Names in places of tables, as `t` or `gold.t`; one without a database may also be that of a common table expression. */
  tables: string[]
  /** Names that are called like a table function and are none: parameterised views. */
  views: string[]
  databases: string[]
  /** Whether it tells about tables or a query, and reads no rows of theirs. */
  metadata: boolean
  /** Whether a table function makes as many rows as it is told. */
  endless: boolean
}

export type ParsedSql = {
  /** The answer of EXPLAIN AST. */
  tree: string
  /** The engine's own rendering of the same statement. */
  canonical: string
}

/**
 * What must hold before the engine may even explain a statement: no name passes for a part of the tree, and no setting is
 * changed that analysts do not change, since EXPLAIN applies them. Throws ACCESS_DENIED or READONLY.
 */
export function checkBeforeParsing(canonical: string, settings: SettingsPolicy): void {
  const tokens = [...tokenize(canonical)]
  if (tokens.some((token) => token.kind === 'quoted' && imitatesTree(token.text)))
    throw denied('a name must not hold line breaks or other control characters')
  for (const clause of settingsClauses(tokens)) checkClause(tokens, { start: clause + 1, settings })
}

/**
 * Decides on a statement by what the engine parsed, not by its text, and says what it reads. Everything must be on a list:
 * the statement, each node, each function. `checkBeforeParsing` has passed. Throws ACCESS_DENIED.
 */
export function judgeSql({ tree, canonical }: ParsedSql, options: GuardOptions): Reads {
  const tokens = [...tokenize(canonical)]
  const nodes = parseSyntaxTree(tree)
  const root = nodes[0]
  if (root === undefined || !allowedRoots.has(root.kind))
    throw denied('the read-only port takes SELECT, SHOW, DESCRIBE, EXISTS and EXPLAIN')
  const reads: Reads = { tables: [], views: [], databases: [], metadata: root.kind !== 'SelectWithUnionQuery', endless: false }
  if (/^(Show|Exists)/.test(root.kind)) readShow(root, { tokens, reads })
  else readQuery(nodes, { reads, catalog: options.catalog })
  checkApplied(appliedFunctions(nodes, tokens), options.catalog)
  checkCalls(tokens, options.catalog)
  const parsed = findParsedArgument(tokens, nodes)
  if (parsed !== undefined) throw denied(parsed)
  checkSettings(tokens, nodes)
  return reads
}

/** The children that an EXPLAIN may have in the syntax tree: the query, its own settings, a format. */
const explained: ReadonlySet<string> = new Set(['SelectWithUnionQuery', 'Set', 'Identifier'])

type QueryContext = { reads: Reads; catalog: FunctionCatalog }

function readQuery(nodes: readonly SyntaxNode[], context: QueryContext): void {
  const [root, ...others] = nodes
  if (root?.kind === 'Explain' && root.children.some((child) => !explained.has(child.kind))) throw denied('EXPLAIN takes a SELECT here')
  for (const node of others) {
    if (!allowedNodes.has(node.kind)) throw denied(`${node.kind} is not a part of a query that reads`)
    if (node.kind === 'Literal' && isStatement(node.parent)) throw denied('INTO OUTFILE writes files')
    if (node.kind === 'TableIdentifier') context.reads.tables.push(node.name)
    if (node.kind === 'Function') readFunction(node, context)
  }
}

/** Whether a literal below this node is the file's name of INTO OUTFILE; a query's own literals stand deeper. */
function isStatement(node: SyntaxNode | undefined): boolean {
  return node?.kind === 'SelectWithUnionQuery' || node?.kind === 'Explain' || node?.kind === 'DescribeQuery'
}

function readFunction(node: SyntaxNode, { reads, catalog }: QueryContext): void {
  const name = node.name.toLowerCase()
  if (node.parent?.kind === 'TableExpression') {
    const rows = allowedTableFunctions.get(name)
    if (rows === undefined && catalog.isTableFunction(name)) throw outside(node.name)
    if (rows === undefined) reads.views.push(node.name)
    reads.endless ||= rows === 'endless'
    return
  }
  // A bare name can stand for a function, as in arrayMap(file, ...), and for a table, as in x IN t.
  const argument = catalog.takesFunction(name) ? functionArgument(node) : undefined
  if (argument !== undefined && catalog.knows(argument) && !catalog.allows(argument)) throw outside(argument)
  const table = tableOfIn(node)
  if (table !== undefined) reads.tables.push(table)
  if (catalog.allows(name) || allowedTableFunctions.has(name)) return
  if (catalog.knows(name) || catalog.isTableFunction(name)) throw outside(node.name)
  throw new EngineError(46, 'UNKNOWN_FUNCTION', `Function with name \`${node.name}\` does not exist`)
}

function checkApplied(applied: readonly string[] | undefined, catalog: FunctionCatalog): void {
  if (applied === undefined) throw denied('APPLY takes the plain name of a function here')
  for (const name of applied) if (!catalog.allows(name)) throw outside(name)
}

/** Reads SHOW and EXISTS statements by the engine's rendering, whose words have a fixed order and say more than the tree. */
function readShow(root: SyntaxNode, { tokens, reads }: { tokens: readonly Token[]; reads: Reads }): void {
  const words = tokens.map((token) => (token.kind === 'word' ? token.text.toUpperCase() : ''))
  // The tree leaves out a filter, which can be any expression: a SHOW with one is judged as a SELECT instead.
  if (words.includes('WHERE')) throw denied('SHOW in an unknown form')
  if (words[0] === 'SHOW') {
    const form = allowedShows.find((show) => startsWith(words.slice(1), show.split(' ')))
    if (form === undefined) throw denied(`SHOW ${words[1] ?? ''} is not for analysts`)
    if (/COLUMNS|INDEX|INDICES|KEYS/.test(form)) return readShowFrom(tokens.slice(1 + form.split(' ').length), reads)
  }
  const names = root.children.filter((child) => child.kind === 'Identifier').map((child) => child.name)
  if (names.length === 0) return
  if (/Database|ShowTables/.test(root.kind)) reads.databases.push(...names)
  else reads.tables.push(names.join('.'))
}

function startsWith(words: readonly string[], start: readonly string[]): boolean {
  return start.every((word, index) => words[index] === word)
}

/** `FROM table [FROM database]` */
function readShowFrom([from, table, again, database]: readonly Token[], reads: Reads): void {
  const isName = (token: Token | undefined): token is Token => token?.kind === 'word' || token?.kind === 'quoted'
  if (from?.text !== 'FROM' || !isName(table)) throw denied('SHOW in an unknown form')
  if (again?.text !== 'FROM') return void reads.tables.push(identifierName(table))
  if (!isName(database)) throw denied('SHOW in an unknown form')
  reads.tables.push(`${identifierName(database)}.${identifierName(table)}`)
}

/** Looks once more for what a tree does not print: no name that is followed by arguments may be a function that is refused. */
function checkCalls(tokens: readonly Token[], catalog: FunctionCatalog): void {
  for (const [index, token] of tokens.entries()) {
    if ((token.kind !== 'word' && token.kind !== 'quoted') || tokens[index + 1]?.text !== '(') continue
    const name = identifierName(token)
    if (tokens[index - 1]?.text !== '.' && catalog.knows(name.toLowerCase()) && !catalog.allows(name.toLowerCase())) throw outside(name)
  }
}

/** The tree shows that there are settings and not which: those that the text shows must be all. */
function checkSettings(tokens: readonly Token[], nodes: readonly SyntaxNode[]): void {
  const count = nodes.filter((node) => node.kind === 'Set' && node.parent?.kind !== 'Explain').length
  if (settingsClauses(tokens).length !== count) throw denied('a SETTINGS clause stands where the read-only port cannot read it')
}

function settingsClauses(tokens: readonly Token[]): number[] {
  return tokens.flatMap((token, index) => (isClause(token, tokens[index + 2]) ? [index] : []))
}

function isClause(token: Token, afterNext: Token | undefined): boolean {
  return token.kind === 'word' && token.text === 'SETTINGS' && afterNext?.text === '='
}

function checkClause(tokens: readonly Token[], { start, settings }: { start: number; settings: SettingsPolicy }): void {
  for (const [name, value] of readAssignments(tokens, start)) settings.check(name, value)
}

/** `name = value, ...` of a rendered statement, from a token on. */
export function readAssignments(tokens: readonly Token[], start: number): [string, string][] {
  const assignments: [string, string][] = []
  let at = start
  do {
    const [name, equals, value] = tokens.slice(at, at + 3)
    if (name?.kind !== 'word' || equals?.text !== '=' || value === undefined)
      throw denied('a SETTINGS clause that the read-only port cannot read')
    const text = value.kind === 'string' ? value.text.slice(1, -1) : value.text
    assignments.push([name.text, text])
    at += 4
  } while (tokens[at - 1]?.text === ',')
  const after = tokens[at - 1]
  if (after !== undefined && (after.kind === 'number' || after.kind === 'string' || after.text === '('))
    throw denied('a SETTINGS clause that the read-only port cannot read')
  return assignments
}

function outside(name: string): EngineError {
  return denied(`the function ${name} reaches outside the warehouse`)
}

export function denied(reason: string): EngineError {
  return new EngineError(497, 'ACCESS_DENIED', `Not allowed on the read-only port: ${reason}`)
}
