import { EngineError } from '../engine/engine-error.ts'

export type TokenKind = 'word' | 'quoted' | 'string' | 'number' | 'symbol'

/** A token of ClickHouse SQL; `text` is as written, `start` and `end` are offsets into the source. */
export type Token = { kind: TokenKind; text: string; start: number; end: number }

const space = /\s+/y
const lineComment = /(?:--|\/\/|#!|# )[^\n]*/y
const blockComment = /\/\*[\s\S]*?(?:\*\/|$)/y
const word = /(?:[\p{L}_]|\$(?=\w))[\p{L}\p{N}_$]*/uy
const number = /[0-9](?:[eEpP][+-]|[0-9A-Za-z_.])*/y
const string = /'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)/y
const backquoted = /`(?:[^`\\]|\\[\s\S]|``)*(?:`|$)/y
const doubleQuoted = /"(?:[^"\\]|\\[\s\S]|"")*(?:"|$)/y
const typographic = /‘[^’]*(?:’|$)/y
const typographicDouble = /“[^”]*(?:”|$)/y
/** A heredoc that is not closed is none: `$x$` is a name then. */
const heredoc = /\$(\w*)\$[\s\S]*?\$\1\$/y

const unclosedHeredoc = /\$\w*\$/y
/** A text with more unclosed heredocs is refused: for each, this lexer and then the engine search the rest of the text. */
const maxUnclosedHeredocs = 100

const skipped = [space, lineComment, blockComment]
const rules: readonly (readonly [TokenKind, RegExp])[] = [
  ['string', heredoc],
  ['word', word],
  ['number', number],
  ['string', string],
  ['string', typographic],
  ['quoted', backquoted],
  ['quoted', doubleQuoted],
  ['quoted', typographicDouble],
]

/** Splits ClickHouse SQL lazily, so that data that follows an INSERT is never read. Comments and space are left out. */
export function* tokenize(sql: string): Generator<Token> {
  let at = 0
  let unclosed = 0
  while (at < sql.length) {
    const skip = skipped.map((rule) => matchAt(rule, sql, at)).find((end) => end !== undefined)
    if (skip !== undefined) {
      at = skip
      continue
    }
    const token = tokenAt(sql, at)
    if (token.kind !== 'string' && matchAt(unclosedHeredoc, sql, at) !== undefined && ++unclosed > maxUnclosedHeredocs)
      throw new EngineError(62, 'SYNTAX_ERROR', 'Syntax error: too many heredocs that are not closed')
    yield token
    at = token.end
  }
}

function tokenAt(sql: string, start: number): Token {
  for (const [kind, rule] of rules) {
    const end = matchAt(rule, sql, start)
    if (end !== undefined) return { kind, text: sql.slice(start, end), start, end }
  }
  return { kind: 'symbol', text: sql.charAt(start), start, end: start + 1 }
}

function matchAt(rule: RegExp, text: string, at: number): number | undefined {
  rule.lastIndex = at
  return rule.test(text) ? rule.lastIndex : undefined
}

/** The name that an identifier token stands for. */
export function identifierName(token: Token): string {
  return token.kind === 'quoted' ? quotedText(token) : token.text
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', v: '\v', a: '\x07', e: '\x1b', '0': '\0' }

/** The text that a token in quotes stands for. */
export function quotedText({ text }: Token): string {
  const quote = text.charAt(0)
  return text
    .slice(1, -1)
    .replace(/\\x([0-9a-fA-F]{2})|\\([\s\S])|(['"`])\3/g, (whole, hex?: string, escaped?: string, doubled?: string) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
      if (escaped !== undefined) return escapes[escaped] ?? escaped
      return doubled === quote ? quote : whole
    })
}

/** The names in a text that separates them by commas and line breaks, for lists that are long and read in groups. */
export function namesIn(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/,\s+/))
}
