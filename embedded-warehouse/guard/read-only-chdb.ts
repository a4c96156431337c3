import { type CatalogTable, readNamed, readRows } from './catalog-tables-chdb.ts'
import { EngineError } from '../engine/engine-error.ts'
import type { ReadAmount, ReadAmounts } from './read-amount-chdb.ts'
import { type GuardOptions, type Reads, checkBeforeParsing, denied, judgeSql } from './read-only-guard.ts'
import { allowedDatabaseEngines, allowedTableEngine } from './read-only-rules.ts'
import { restoreFull, selectOfShow } from './read-only-show-chdb.ts'
import { splitFilteredShow } from '../sql/show-filter.ts'
import { renderStatement } from '../engine/render-statement-chdb.ts'
import type { Lease } from '../engine/session-slot-chdb.ts'
import { type SystemTables, createSystemTables, systemDatabase } from './system-tables.ts'

/** The database in which analysts start. */
export const homeDatabase = 'gold'
/** The engine's own default database, which clients ask for when they name none: in it, a table's name can be a file's. */
const engineDefault = 'default'
const informationSchema = /^information_schema$/i

export type AnalystGuard = GuardOptions & { systemTables: SystemTables; readAmountOf: ReadAmounts }

export type JudgedSql = {
  /** The statement to run: the engine's own rendering of what was judged, with the safe part of what is partly open. */
  sql: string
  amount: ReadAmount
}

/** The database of an analyst's session. Never the engine's default. */
export function analystDatabase(asked: string | undefined): string {
  return asked === undefined || asked === engineDefault ? homeDatabase : asked
}

export async function readSystemTables(lease: Lease, openSettings: readonly string[]): Promise<SystemTables> {
  const rows = await readRows<{ table: string; columns: string[] }>(
    lease,
    `SELECT table, groupArray(name) AS columns FROM (SELECT table, name FROM system.columns WHERE database = 'system' ORDER BY table, position) GROUP BY table`,
  )
  return createSystemTables(new Map(rows.map(({ table, columns }) => [table, columns])), openSettings)
}

/**
 * Throws ACCESS_DENIED unless the statement only reads what an analyst may, and from there on knows what to run. Runs on a
 * session that has the statement's parameters.
 */
export async function judgeOnEngine(
  lease: Lease,
  { sql, database, params }: { sql: string; database: string; params: ReadonlyMap<string, string> },
  guard: AnalystGuard,
): Promise<JudgedSql> {
  for (const value of params.values()) if (/[\r\n\0]/.test(value)) refuseAsName(sql)
  const canonical = restoreFull(await renderStatement(lease, sql), sql)
  if (canonical === '') throw new EngineError(62, 'SYNTAX_ERROR', 'Empty query')
  const filtered = splitFilteredShow(canonical)
  if (filtered?.keyword === 'LIMIT' && !/^ \d+( FORMAT | SETTINGS |$)/.test(filtered.rest)) throw denied('SHOW takes a number as its LIMIT')
  if (filtered?.keyword === 'WHERE') {
    await judgeOnEngine(lease, { sql: filtered.head, database, params }, guard)
    return await judgeOnEngine(lease, { sql: await selectOfShow(lease, filtered, database), database, params }, guard)
  }
  checkBeforeParsing(canonical, guard.settings)
  const tree = (await lease.query(`EXPLAIN AST ${canonical}`, 'TSVRaw')).text()
  const reads = judgeSql({ tree, canonical }, guard)
  const places = placesOf(reads, database)
  const found = await readNamed(lease, places)
  for (const place of places) checkPlace(place, { found, guard })
  const partly = places.filter((place) => place.database === systemDatabase && guard.systemTables.access(place.table) === 'partly')
  return {
    sql: /^(SHOW|EXISTS) /.test(canonical) ? canonical : restricted(canonical, { partly, guard }),
    amount: await guard.readAmountOf(lease, reads, {
      named: found.filter(isOwnTable),
      endless: places.some((place) => place.database === systemDatabase && guard.systemTables.isEndless(place.table)),
    }),
  }
}

/** Refuses parameters that become names: a name with a line break would change the tree that is judged. */
function refuseAsName(sql: string): void {
  if (/:\s*identifier\s*\}/i.test(sql)) throw denied('a name must not hold line breaks')
}

type TableReference = { database: string; table: string; qualified: boolean; isView: boolean }

/** Every table and database that the names in a query may stand for: a dot may separate a database from a table, or be part of a name. */
function placesOf(reads: Reads, current: string): TableReference[] {
  const places = (name: string, isView: boolean): TableReference[] => {
    const dot = name.indexOf('.')
    const here = { database: current, table: name, qualified: false, isView }
    return dot === -1 ? [here] : [here, { database: name.slice(0, dot), table: name.slice(dot + 1), qualified: true, isView }]
  }
  return [
    { database: current, table: '', qualified: false, isView: false },
    ...reads.databases.map((database) => ({ database, table: '', qualified: true, isView: false })),
    ...reads.tables.flatMap((name) => places(name, false)),
    ...reads.views.flatMap((name) => places(name, true)),
  ]
}

/** Throws ACCESS_DENIED unless analysts may read the table; one that does not exist is left to the engine to report. */
function checkPlace(
  { database, table, qualified, isView }: TableReference,
  { found, guard }: { found: readonly CatalogTable[]; guard: AnalystGuard },
): void {
  if (database.startsWith('_temporary')) throw denied('temporary tables belong to their sessions')
  const engineOf = (name: string) => found.find((row) => row.database === database && row.table === name)?.engine
  const databaseEngine = engineOf('')
  if (databaseEngine !== undefined && !allowedDatabaseEngines.has(databaseEngine))
    throw denied(`the database ${database} is not for analysts`)
  if (table === '' || informationSchema.test(database)) return
  const engine = engineOf(table)
  if (database === systemDatabase) {
    if (!qualified && engine === undefined) return
    const access = guard.systemTables.access(table)
    if (access === 'closed' || isView) throw denied(`the table ${database}.${table} is not for analysts`)
    if (access === 'partly' && !qualified) throw denied(`write ${database}.${table} with its database`)
    return
  }
  if (engine === undefined) return
  if (!allowedTableEngine.test(engine) || (isView && engine !== 'View') || guard.deniedTables.test(`${database}.${table}`))
    throw denied(`the table ${database}.${table} is not for analysts`)
}

function isOwnTable({ database, table }: CatalogTable): boolean {
  return table !== '' && database !== systemDatabase && !informationSchema.test(database)
}

function restricted(canonical: string, { partly, guard }: { partly: readonly TableReference[]; guard: AnalystGuard }): string {
  const sql = guard.systemTables.restrict(canonical, partly.length)
  if (sql === undefined) throw denied('name the tables of `system` plainly, as in `system.tables`')
  return sql
}
