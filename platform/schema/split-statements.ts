/**
 * The statements of a SQL text, without their semicolons. Semicolons inside strings, quoted identifiers, heredocs and
 * comments do not split; a piece that holds nothing but comments is no statement.
 */
export function splitStatements(sql: string): string[] {
  const statements: string[] = []
  let start = 0
  let hasCode = false
  let at = 0
  const take = (end: number) => {
    if (hasCode) statements.push(sql.slice(start, end).trim())
    start = end + 1
    hasCode = false
  }
  while (at < sql.length) {
    const comment = skipComment(sql, at)
    if (comment !== undefined) {
      at = comment
      continue
    }
    if (sql[at] === ';') take(at)
    else if (/\S/.test(sql[at]!)) hasCode = true
    at = skipQuoted(sql, at) ?? at + 1
  }
  take(sql.length)
  return statements
}

function skipComment(sql: string, at: number): number | undefined {
  if (sql.startsWith('--', at)) return endOf(sql, '\n', at)
  if (sql.startsWith('/*', at)) return endOf(sql, '*/', at + 2)
  return undefined
}

function skipQuoted(sql: string, at: number): number | undefined {
  const quote = sql[at]!
  if (quote === '$') {
    const tag = /^\$\w*\$/.exec(sql.slice(at, at + 64))?.[0]
    return tag === undefined ? undefined : endOf(sql, tag, at + tag.length)
  }
  if (quote !== "'" && quote !== '"' && quote !== '`') return undefined
  let end = at + 1
  while (end < sql.length && sql[end] !== quote) end += sql[end] === '\\' ? 2 : 1
  return end + 1 // A doubled quote reads as two strings side by side, which splits no differently.
}

function endOf(sql: string, mark: string, from: number): number {
  const found = sql.indexOf(mark, from)
  return found === -1 ? sql.length : found + mark.length
}
