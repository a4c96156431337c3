import { type Lease, quoteString } from './session-slot-chdb.ts'
import { EngineError } from './engine-error.ts'
import type { QueryRequest } from './http-request.ts'
import { renderStatement } from './render-statement-chdb.ts'
import { type GuardOptions, checkReadOnly } from './read-only-guard.ts'
import {
  type AnalystLimits,
  type FunctionCatalog,
  allowedInternal,
  checkSetting,
  deniedCategories,
  deniedFunctions,
  hiddenDatabase,
} from './read-only-rules.ts'

/** The functions of this very build, so that a new one of a denied family is denied too. */
export async function readFunctionCatalog(lease: Lease): Promise<FunctionCatalog> {
  const families = deniedCategories.map(quoteString).join(', ')
  const byFamily = await names(
    lease,
    `WITH (SELECT groupArray(name) FROM system.functions WHERE categories IN (${families})) AS family
     SELECT lower(name) FROM system.functions WHERE categories IN (${families}) OR has(family, alias_to)`,
  )
  const tableFunctions = await names(lease, 'SELECT lower(name) FROM system.table_functions')
  return {
    deniedFunctions: new Set([...byFamily.filter((name) => !allowedInternal.has(name)), ...deniedFunctions]),
    tableFunctions: new Set(tableFunctions),
  }
}

async function names(lease: Lease, sql: string): Promise<string[]> {
  const result = await lease.query(sql, 'TSVRaw')
  return result
    .text()
    .split('\n')
    .filter((name) => name !== '')
}

/** The read-only port's rules for what comes with the URL. Removes what is allowed and has no effect. */
export function checkRequest(request: QueryRequest, limits: AnalystLimits): void {
  if (['1', '2'].includes(request.settings.get('readonly') ?? '')) request.settings.delete('readonly')
  for (const [name, value] of request.settings) checkSetting(name, value, limits)
}

/** Where analysts start: in `gold` as soon as it is there. Never in `default`, where a table's name can be a file's. */
export async function analystDatabase(lease: Lease, asked: string | undefined): Promise<string | undefined> {
  if (asked !== undefined && asked !== hiddenDatabase) return asked
  const exists = await lease.query('EXISTS DATABASE gold', 'TSVRaw')
  return exists.text().trim() === '1' ? 'gold' : undefined
}

/**
 * Throws ACCESS_DENIED unless the statement only reads the warehouse. Returns the engine's own rendering of it, and that is
 * to be run: what was checked and what runs are the same text.
 */
export async function checkStatement(lease: Lease, sql: string, options: GuardOptions): Promise<string> {
  const canonical = await renderStatement(lease, sql)
  if (canonical === '') throw new EngineError(62, 'SYNTAX_ERROR', 'Empty query')
  const tree = (await lease.query(`EXPLAIN AST ${canonical}`, 'TSVRaw')).text()
  checkReadOnly({ tree, canonical }, options)
  return canonical
}
