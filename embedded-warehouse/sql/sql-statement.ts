import { identifierName, namesIn, type Token, tokenize } from './sql-lexer.ts'

/** What the front must know of a statement before the engine sees it. */
export type SqlStatement = {
  /** `insert`: rows follow as data. `select`: has a result of any size. `session`: may change the session. `other`: the rest. */
  kind: 'insert' | 'select' | 'session' | 'other'
  /** First keyword, upper case; empty for an empty statement. */
  verb: string
  /** The format that the statement itself names, without quotes: any text, so check it before it becomes SQL. */
  format?: string
  /** The place for `INTO OUTFILE` and a format: in place of FORMAT and its name, or at the end. */
  output: { start: number; end: number }
  /** The text of an insert before FORMAT or VALUES, and where its data begins. */
  head?: string
  dataStart?: number
  /** Names of the `{name:Type}` placeholders. */
  parameters: string[]
  /** A second statement follows. */
  multiple: boolean
  /** INTO OUTFILE or FROM INFILE: files of the server's machine. */
  usesFiles: boolean
}

const reading = new Set(['SELECT', 'WITH', 'FROM'])
/** Statements that leave nothing behind in their session; any other may. */
const stateless = namesIn(`
  SELECT, WITH, FROM, SHOW, DESCRIBE, DESC, EXISTS, EXPLAIN, INSERT, CREATE, REPLACE, ALTER, DROP, TRUNCATE,
  RENAME, EXCHANGE, OPTIMIZE, DELETE, UPDATE, ATTACH, DETACH, UNDROP, CHECK, SYSTEM, KILL, BACKUP, RESTORE
`)
const opening = new Set(['(', '[', '{'])
const closing = new Set([')', ']', '}'])
/** The words that may follow the name of a format; before any other, FORMAT was a column and the name its alias. */
const afterFormat = new Set([';', 'SETTINGS', 'PARALLEL'])

/** Parses a statement, and reads only as far as it must: the data of an insert is not looked at. */
export function parseSqlStatement(sql: string): SqlStatement {
  const statement: SqlStatement = {
    kind: 'other',
    verb: '',
    output: { start: 0, end: 0 },
    parameters: [],
    multiple: false,
    usesFiles: false,
  }
  const recent: Token[] = []
  let depth = 0
  let ended = false
  let selects = false
  for (const token of tokenize(sql)) {
    const previous = recent.at(-1)
    if (ended) {
      if (token.text === ';') continue
      return { ...statement, multiple: true }
    }
    const upper = token.kind === 'word' ? token.text.toUpperCase() : ''
    if (statement.verb === '' && upper !== '') Object.assign(statement, { verb: upper, kind: kindOf(upper) })
    if (upper === 'TEMPORARY' && statement.verb === 'CREATE' && depth === 0) statement.kind = 'session'
    if (statement.output.end === previous?.end && !afterFormat.has(upper || token.text)) delete statement.format
    if (depth === 0 && previous?.text !== '.') {
      if (upper === 'SELECT' || upper === 'WITH') selects = true
      if (statement.verb === 'INSERT' && !selects && recent.length > 2) {
        if (upper === 'VALUES')
          return { ...statement, kind: 'insert', format: 'Values', head: sql.slice(0, token.start), dataStart: token.end }
        if (isFormatName(token, recent)) return insertOf(sql, { statement, keyword: recent.at(-1) as Token, name: token })
      } else if (isFormatName(token, recent)) {
        Object.assign(statement, { format: identifierName(token), output: { start: recent.at(-1)?.start, end: token.end } })
      }
    }
    statement.usesFiles ||= token.kind === 'string' && namesFile(recent)
    if (token.text === ':' && previous?.kind === 'word' && recent.at(-2)?.text === '{') statement.parameters.push(previous.text)
    if (opening.has(token.text)) depth += 1
    if (closing.has(token.text)) depth -= 1
    if (token.text === ';' && depth <= 0) ended = true
    else if (statement.format === undefined) statement.output = { start: token.end, end: token.end }
    recent.push(token)
    if (recent.length > 4) recent.shift()
  }
  return statement
}

function kindOf(verb: string): SqlStatement['kind'] {
  if (reading.has(verb)) return 'select'
  return stateless.has(verb) ? 'other' : 'session'
}

/** Whether the token is the name in `FORMAT name`, and FORMAT not itself a name, as in `t.format` or `INSERT INTO format`. */
function isFormatName(token: Token, recent: readonly Token[]): boolean {
  const keyword = recent.at(-1)
  if ((token.kind !== 'word' && token.kind !== 'quoted') || keyword?.kind !== 'word' || keyword.text.toUpperCase() !== 'FORMAT')
    return false
  const before = recent.at(-2)
  return before !== undefined && before.text !== '.' && !['INTO', 'TABLE', 'AS', ','].includes(before.text.toUpperCase())
}

/** Whether the next token names a file, being behind INTO OUTFILE or FROM INFILE. */
function namesFile(recent: readonly Token[]): boolean {
  const words = recent.slice(-2).map((token) => token.text.toUpperCase())
  return ['INTO OUTFILE', 'FROM INFILE'].includes(words.join(' '))
}

type InsertParts = { statement: SqlStatement; keyword: Token; name: Token }

/** ClickHouse's rule: data begins after the spaces and one line break that follow the format's name. */
function insertOf(sql: string, { statement, keyword, name }: InsertParts): SqlStatement {
  const gap = /[ \t\f]*\r?\n?/y
  gap.lastIndex = name.end
  gap.test(sql)
  return { ...statement, kind: 'insert', format: identifierName(name), head: sql.slice(0, keyword.start), dataStart: gap.lastIndex }
}
