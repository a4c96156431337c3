import { type Token, tokenize } from './sql-lexer.ts'

export type FilteredShow = {
  /** The statement before its filter or limit. */
  head: string
  words: readonly Token[]
  keyword: 'WHERE' | 'LIMIT'
  /** The text behind WHERE or LIMIT. */
  rest: string
}

/** A rendered SHOW with WHERE or LIMIT. Either may have any expression, subqueries too, and the syntax tree leaves it out. */
export function splitFilteredShow(canonical: string): FilteredShow | undefined {
  if (!canonical.startsWith('SHOW ')) return undefined
  const tokens = [...tokenize(canonical)]
  const at = tokens.findIndex((token) => token.kind === 'word' && (token.text === 'WHERE' || token.text === 'LIMIT'))
  const found = tokens[at]
  if (found === undefined) return undefined
  return {
    head: canonical.slice(0, found.start).trimEnd(),
    words: tokens.slice(1, at),
    keyword: found.text === 'WHERE' ? 'WHERE' : 'LIMIT',
    rest: canonical.slice(found.end),
  }
}
