import { type Lease, quoteString } from '../engine/session-slot-chdb.ts'

/** A table, or with an empty name a database, as the catalog has it. */
export type CatalogTable = {
  database: string
  table: string
  engine: string
  /** Null for what does not count its own. */
  rows: number | null
  /** A view's SELECT, in which names have their databases; else empty. */
  definition: string
}

type TableName = { database: string; table: string }

const columns = 'database, name AS table, engine, toFloat64(total_rows) AS rows, as_select AS definition'

/** The databases and tables with these names that there are. */
export async function readNamed(lease: Lease, names: readonly TableName[]): Promise<CatalogTable[]> {
  const databases = [...new Set(names.map(({ database }) => quoteString(database)))]
  const tables = [...new Set(names.map(({ database, table }) => `(${quoteString(database)}, ${quoteString(table)})`))]
  return await readRows<CatalogTable>(
    lease,
    `SELECT name AS database, '' AS table, engine, NULL AS rows, '' AS definition FROM system.databases WHERE name IN (${databases.join(', ')})
     UNION ALL SELECT ${columns} FROM system.tables WHERE (database, name) IN (${tables.join(', ')})`,
  )
}

/** All tables of the warehouse's own databases. */
export async function readOwnTables(lease: Lease): Promise<CatalogTable[]> {
  return await readRows<CatalogTable>(
    lease,
    `SELECT ${columns} FROM system.tables WHERE lower(database) NOT IN ('system', 'information_schema')`,
  )
}

export async function readRows<Row>(lease: Lease, sql: string): Promise<Row[]> {
  const text = (await lease.query(sql, 'JSONEachRow')).text()
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row)
}
