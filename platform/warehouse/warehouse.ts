export type QueryParams = Record<string, unknown>
export type ClickHouseSettings = Record<string, string | number | boolean>

/**
 * ClickHouse, real or embedded, always over its HTTP interface. 64-bit integers arrive as strings unless the
 * query casts them; DateTime64 arrives as `YYYY-MM-DD hh:mm:ss.mmm` in UTC. Throws `warehouse_unavailable` when it
 * does not answer or its disk takes nothing, and `WarehouseQueryError` when it refuses.
 */
export type Warehouse = {
  /** Queries all rows, as objects. `{name:Type}` in the SQL is bound from `params`, never spliced. */
  query<Row>(sql: string, params?: QueryParams, settings?: ClickHouseSettings): Promise<Row[]>
  /** Queries rows as they come, in blocks, for results that do not fit in memory. */
  stream<Row>(sql: string, params?: QueryParams, settings?: ClickHouseSettings): AsyncIterable<Row[]>
  /** Inserts all rows in one INSERT, as objects or as their JSON, a line each. Resolves when the engine has confirmed it. */
  insert(table: string, rows: readonly object[] | Uint8Array, settings?: ClickHouseSettings): Promise<void>
  /** Runs a statement without a result. */
  command(sql: string, params?: QueryParams, settings?: ClickHouseSettings): Promise<void>
  ping(): Promise<boolean>
  close(): Promise<void>
}

/**
 * Why ClickHouse refused a statement, as far as somebody acts on it. `no_table`: a table or its database is not there, as before the
 * first migration. `bad_row`: a value of a row cannot be parsed, converted or held by its column. `other`: anything else.
 */
export type RefusalReason = 'no_table' | 'bad_row' | 'other'

/** ClickHouse refused a statement. `type` and `exceptionCode` are its own, as UNKNOWN_TABLE and 60: to be shown, and to tell faults apart. */
export class WarehouseQueryError extends Error {
  readonly reason: RefusalReason
  readonly type: string | undefined
  readonly exceptionCode: string
  constructor(message: string, options: { reason: RefusalReason; type?: string | undefined; exceptionCode: string; cause?: unknown }) {
    super(message, { cause: options.cause })
    this.name = 'WarehouseQueryError'
    this.reason = options.reason
    this.type = options.type
    this.exceptionCode = options.exceptionCode
  }
}
