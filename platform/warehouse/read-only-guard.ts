import { EngineError } from './engine-error.ts'
import {
  type AnalystLimits,
  type FunctionCatalog,
  allowedRoots,
  allowedTableFunctions,
  checkSetting,
  hiddenDatabase,
} from './read-only-rules.ts'
import { type Token, identifierName, tokenize } from './sql-lexer.ts'

export type GuardOptions = {
  catalog: FunctionCatalog
  limits: AnalystLimits
  /** Tables that the read-only port does not show, by their full or last name. */
  deniedTables: RegExp
}

type Node = { depth: number; kind: string; name: string }

/**
 * Decides on a statement by what the engine parsed, not by its text: `tree` is the answer of EXPLAIN AST and `canonical`
 * the engine's own rendering of the same statement. Only ever refuses: a name that imitates a node cannot hide another.
 */
export function checkReadOnly({ tree, canonical }: { tree: string; canonical: string }, options: GuardOptions): void {
  const nodes = tree
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(toNode)
  const root = nodes[0]
  if (root === undefined || !allowedRoots.has(root.kind))
    throw denied(`the read-only port takes SELECT, SHOW, DESCRIBE, EXISTS and EXPLAIN`)
  if (root.kind === 'Explain' && nodes[1]?.kind !== 'SelectWithUnionQuery') throw denied('EXPLAIN takes a SELECT here')
  for (const [index, node] of nodes.entries()) checkNode(node, { parent: nodes[index - 1], options })
  const tokens = [...tokenize(canonical)]
  checkTokens(tokens, options)
  checkSettings(tokens, { count: nodes.filter((node) => node.kind === 'Set').length, limits: options.limits })
}

function toNode(line: string): Node {
  const text = line.trimStart()
  const [kind = '', ...rest] = text.split(' ')
  return {
    depth: line.length - text.length,
    kind,
    name: rest
      .join(' ')
      .replace(/ \((alias|children) .*$/, '')
      .trim(),
  }
}

function checkNode(node: Node, { parent, options }: { parent: Node | undefined; options: GuardOptions }): void {
  const { catalog } = options
  const lower = node.name.toLowerCase()
  if (node.kind === 'Literal' && node.depth === 1) throw denied('INTO OUTFILE writes files')
  if (node.kind === 'ColumnsApplyTransformer') throw denied('APPLY hides the function it applies: name the columns instead')
  if (node.kind === 'InsertQuery') throw denied('INSERT writes')
  if (node.kind === 'Function') checkFunction(lower, parent?.kind === 'TableExpression', catalog)
  // A bare name can stand for a function, as in arrayMap(file, ...).
  if (node.kind === 'Identifier' && catalog.deniedFunctions.has(lower)) throw denied(`the function ${node.name} is not for analysts`)
  const isTable = node.kind === 'TableIdentifier' || node.kind === 'Identifier'
  if (isTable && (lower === hiddenDatabase || lower.startsWith(`${hiddenDatabase}.`))) throw hidden()
  if (isTable && options.deniedTables.test(node.name)) throw denied(`the table ${node.name} is not for analysts`)
}

function checkFunction(name: string, isTable: boolean, catalog: FunctionCatalog): void {
  const outside = catalog.tableFunctions.has(name) && !allowedTableFunctions.has(name)
  if (isTable ? outside : catalog.deniedFunctions.has(name)) throw denied(`the function ${name} reaches outside the warehouse`)
}

/** What the tree does not show: functions inside lambdas of transformers, files, text that is a table's name. */
function checkTokens(tokens: readonly Token[], { catalog, deniedTables }: GuardOptions): void {
  for (const [index, token] of tokens.entries()) {
    const next = tokens[index + 1]?.text
    const upper = token.kind === 'word' ? token.text.toUpperCase() : ''
    if ((upper === 'OUTFILE' || upper === 'INFILE') && tokens[index + 1]?.kind === 'string') throw denied(`${upper} names a file`)
    if (token.kind !== 'word' && token.kind !== 'quoted') continue
    const name = identifierName(token)
    if (name.toLowerCase() === hiddenDatabase) throw hidden()
    if (next === '(' && catalog.deniedFunctions.has(name.toLowerCase())) throw denied(`the function ${name} reaches outside the warehouse`)
    if (deniedTables.test(name)) throw denied(`the table ${name} is not for analysts`)
  }
}

/** The tree shows that there are settings and not which: they are read from the canonical text, and must all be found. */
function checkSettings(tokens: readonly Token[], { count, limits }: { count: number; limits: AnalystLimits }): void {
  if (count === 0) return
  const clauses = tokens.flatMap((token, index) => (token.kind === 'word' && token.text === 'SETTINGS' ? [index] : []))
  if (clauses.length !== count) throw denied('a SETTINGS clause stands where the read-only port cannot read it')
  for (const clause of clauses) checkClause(tokens, clause + 1, limits)
}

function checkClause(tokens: readonly Token[], start: number, limits: AnalystLimits): void {
  let at = start
  do {
    const [name, equals, value] = tokens.slice(at, at + 3)
    if (name?.kind !== 'word' || equals?.text !== '=' || value === undefined)
      throw denied('a SETTINGS clause that the read-only port cannot read')
    const text = value.kind === 'string' ? value.text.slice(1, -1) : value.text
    checkSetting(name.text, text, limits)
    at += 4
  } while (tokens[at - 1]?.text === ',')
  const after = tokens[at - 1]
  if (after !== undefined && (after.kind === 'number' || after.kind === 'string' || after.text === '('))
    throw denied('a SETTINGS clause that the read-only port cannot read')
}

function hidden(): EngineError {
  return denied(`the database ${hiddenDatabase} is not for analysts`)
}

function denied(reason: string): EngineError {
  return new EngineError(497, 'ACCESS_DENIED', `Not allowed on the read-only port: ${reason}`)
}
