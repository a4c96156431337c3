import { type Token, identifierName, quotedText, tokenize } from './sql-lexer.ts'
import type { SyntaxNode } from './syntax-tree.ts'

/** Table functions that take the structure of their rows, with the argument that has it: the engine parses it and computes its DEFAULTs. */
const structureAt: ReadonlyMap<string, (args: readonly Argument[]) => Argument | undefined> = new Map([
  ['null', ([first]) => first],
  ['input', ([first]) => first],
  ['generaterandom', ([first]) => (first?.length === 1 && first[0]?.kind === 'number' ? undefined : first)],
  // The first argument of VALUES may be a row as well; only a text can be a structure.
  ['values', ([first]) => (first?.length === 1 && isText(first[0]) ? first : undefined)],
  ['sqlstandardvalues', ([first]) => (first?.length === 1 && isText(first[0]) ? first : undefined)],
  ['structuretocapnprotoschema', ([first]) => first],
  ['structuretoprotobufschema', ([first]) => first],
  ['format', ([, second, third]) => (third === undefined ? undefined : second)],
])

/** An argument as its tokens. */
type Argument = readonly Token[]

/** Formats whose rows are plain values; the rows of the format Values are expressions. */
const plainFormat = /^(JSON\w*|NDJSON|CSV\w*|TSV\w*|TabSeparated\w*|TSKV|CustomSeparated\w*|LineAsString|RawBLOB)$/i

/** Settings whose value is an expression or a structure. */
const parsedSettings: ReadonlySet<string> = new Set([
  'additional_table_filters',
  'additional_result_filter',
  'parallel_replicas_custom_key',
  'schema_inference_hints',
])

/** The settings that let rows of VALUES have expressions: `values-data.ts` decides on them, by what the rows are. */
export const valuesSettings = ['input_format_values_interpret_expressions', 'input_format_values_deduce_templates_of_expressions'] as const

/** Whether the setting's value is an expression or a structure. */
export function isParsedSetting(name: string): boolean {
  return parsedSettings.has(name.toLowerCase())
}

/**
 * Why to refuse a rendered statement: it has a call with an argument that the engine would parse as SQL, of which the statement's syntax tree
 * shows nothing: a structure with more than names and types, or one that is not written out; rows in a format of expressions.
 */
export function findParsedArgument(tokens: readonly Token[], nodes: readonly SyntaxNode[]): string | undefined {
  const hasTableFormat = nodes.some((node) => node.kind === 'Function' && isFormat(node.name) && !isExpression(node))
  for (const [index, token] of tokens.entries()) {
    if ((token.kind !== 'word' && token.kind !== 'quoted') || tokens[index + 1]?.text !== '(') continue
    const name = identifierName(token)
    // The function of expressions of the same name takes a pattern, and not a structure.
    if (isFormat(name) && !hasTableFormat) continue
    const findStructure = structureAt.get(name.toLowerCase())
    if (findStructure === undefined) continue
    const args = readArguments(tokens, index + 2)
    if (isFormat(name) && !isPlainFormat(args[0])) return computedBy(name)
    const structure = findStructure(args)
    if (structure !== undefined && !isPlainStructure(structure)) return computedBy(name)
  }
  return undefined
}

function computedBy(name: string): string {
  return `an argument of ${name} would be computed: write out a structure of names and types`
}

function isFormat(name: string): boolean {
  return name.toLowerCase() === 'format'
}

function isExpression({ parent }: SyntaxNode): boolean {
  return parent?.kind === 'ExpressionList'
}

function isText(token: Token | undefined): boolean {
  return token?.kind === 'string' || token?.kind === 'quoted'
}

/** Reads the first three arguments of a call: none of the functions here has SQL behind them. */
function readArguments(tokens: readonly Token[], start: number): Argument[] {
  const args: Token[][] = [[]]
  let depth = 0
  for (let at = start; at < tokens.length && (args[2]?.length ?? 0) === 0; at += 1) {
    const token = tokens[at] as Token
    if (depth === 0 && token.text === ')') break
    if (/^[([{]$/.test(token.text)) depth += 1
    if (/^[)\]}]$/.test(token.text)) depth -= 1
    if (depth === 0 && token.text === ',') args.push([])
    else args.at(-1)?.push(token)
  }
  return args.filter((argument) => argument.length > 0)
}

function isPlainFormat(argument: Argument | undefined): boolean {
  const [name, ...more] = argument ?? []
  return name !== undefined && more.length === 0 && plainFormat.test(isText(name) ? quotedText(name) : name.text)
}

/** Words that begin more than a type, where they do not stand in the place of a column's name. */
const afterType = /^(default|materialized|alias|ephemeral|ttl|codec|statistics|settings|primary|check|select|with)$/i
/** Types that take arguments. */
const typeWithArguments =
  /^(array|nullable|lowcardinality|tuple|map|nested|variant|dynamic|json|decimal(32|64|128|256)?|datetime(32|64)?|time64|enum(8|16)?|fixedstring|aggregatefunction|simpleaggregatefunction|qbit)$/i

/** A token that the engine's lexer cannot read in another way: no heredoc, no typographic quotes, no comment. */
const plainToken = /^(?:[A-Za-z_]\w*|[0-9].*|'[\s\S]*'|`[\s\S]*`|"[\s\S]*"|[(),.=-])$/

/** Whether a structure is written out as a text of names and types alone. */
function isPlainStructure(argument: Argument): boolean {
  const [text, ...more] = argument
  if (text === undefined || more.length > 0) return false
  if (!isText(text)) return text.kind === 'word'
  const structure = quotedText(text)
  const tokens = [...tokenize(structure)]
  return tokens.every((token, index) => {
    const before = tokens[index - 1]
    if (!plainToken.test(token.text) || structure.slice(before?.end ?? 0, token.start).trim() !== '') return false
    if (token.text === '(') return before?.kind === 'word' && typeWithArguments.test(before.text)
    const inPlaceOfName = before === undefined || before.text === ',' || before.text === '('
    return token.kind !== 'word' || inPlaceOfName || !afterType.test(token.text)
  })
}
