import { denied } from './read-only-guard.ts'
import { type Lease, quoteIdentifier, quoteString } from '../engine/session-slot-chdb.ts'
import type { FilteredShow } from '../sql/show-filter.ts'
import { type Token, identifierName, tokenize } from '../sql/sql-lexer.ts'

/** The engine renders SHOW FULL TABLES without its second word. */
export function restoreFull(canonical: string, sql: string): string {
  const [show, full] = tokenize(sql)
  const isFull = show?.text.toUpperCase() === 'SHOW' && full?.text.toUpperCase() === 'FULL'
  return isFull ? canonical.replace(/^SHOW TABLES\b/, 'SHOW FULL TABLES') : canonical
}

/**
 * The SELECT that answers a SHOW with a filter, to be judged like any other: whatever the filter is, it reads what an analyst
 * may, and it sees of `system` what an analyst does. The statement without its filter has been judged.
 */
export async function selectOfShow(lease: Lease, { head, rest, words }: FilteredShow, database: string): Promise<string> {
  const from = words.findIndex((token) => token.text === 'FROM')
  const names = from === -1 ? [] : words.slice(from)
  const shown = (from === -1 ? words : words.slice(0, from)).map((token) => token.text).join(' ')
  if (/^(FULL |TEMPORARY )?TABLES$|^DICTIONARIES$/.test(shown)) {
    // The statement without its filter is run too, since a SELECT would find nothing in a database that does not exist, and not say so.
    await lease.query(`${head} LIMIT 0`, 'Null')
    return selectOfList(shown, { place: placeOf(names, database), rest })
  }
  const isQualified = names.filter((token) => token.text === 'FROM').length > 1
  const all = isQualified ? head : `${head} FROM ${quoteIdentifier(database)}`
  const rows = (await lease.query(all, 'JSONCompactEachRowWithNamesAndTypes')).text()
  return `SELECT * FROM ${toTable(rows)} AS shown WHERE ${rest}`
}

/** What SHOW COLUMNS and SHOW INDEX show, as rows that can be filtered. */
function toTable(text: string): string {
  const [names, types, ...rows] = text.trimEnd().split('\n')
  const typeOf = JSON.parse(types as string) as string[]
  const columns = (JSON.parse(names as string) as string[]).map((name, index) => `${quoteIdentifier(name)} ${typeOf[index]}`)
  const structure = quoteString(columns.join(', '))
  // The engine forgets the columns of a text without rows.
  return rows.length === 0 ? `null(${structure})` : `format(JSONCompactEachRow, ${structure}, ${quoteString(rows.join('\n'))})`
}

function selectOfList(shown: string, { place, rest }: { place: string; rest: string }): string {
  const list = shown === 'DICTIONARIES' ? 'dictionaries' : 'tables'
  const condition = shown.startsWith('TEMPORARY') ? 'is_temporary' : `database = ${quoteString(place)}`
  const columns = shown.startsWith('FULL') ? 'name, engine' : 'name'
  return `SELECT ${columns} FROM (SELECT * FROM system.${list} WHERE ${condition} ORDER BY name) AS ${list} WHERE ${rest}`
}

function placeOf([from, name, ...more]: readonly Token[], database: string): string {
  if (from === undefined) return database
  if ((name?.kind !== 'word' && name?.kind !== 'quoted') || more.length > 0) throw denied('SHOW in an unknown form')
  return identifierName(name)
}
