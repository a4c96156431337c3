import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { ClickHouseError, ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { ServiceError } from '../../contracts/errors.ts'
import { meaningOf } from './refusals-clickhouse.ts'
import { type ClickHouseSettings, type QueryParams, type Warehouse, WarehouseQueryError } from './warehouse.ts'

export type WarehouseOptions = {
  /** `http(s)://host:port` of ClickHouse's HTTP interface. */
  url: string
  user?: string | undefined
  password?: string | undefined
  /** The database of statements that name none. Default `default`. */
  database?: string | undefined
  /** The longest silence on a request's connection, in milliseconds. Default 60,000. */
  requestTimeoutMs?: number | undefined
  /** The most connections at once; more requests wait. Default 10. */
  maxConnections?: number | undefined
  /** Whether requests and answers are compressed by gzip: worth it over a network, not over loopback. Default false. */
  compression?: boolean | undefined
  /** Whether only what a read-only user or port accepts is sent. Default false. */
  readOnly?: boolean | undefined
}

const readSettings = { output_format_json_quote_64bit_integers: 1, date_time_output_format: 'simple', session_timezone: 'UTC' } as const
const writeSettings = { ...readSettings, date_time_input_format: 'best_effort' } as const

/**
 * The warehouse over HTTP; connects when first used.
 *
 * @example
 * ```ts no-run
 * import { createWarehouse } from './warehouse-clickhouse.ts'
 *
 * const warehouse = createWarehouse({ url: 'http://127.0.0.1:8123', requestTimeoutMs: 10_000 })
 * const tables = await warehouse.query<{ name: string }>('SELECT name FROM system.tables WHERE database = {database:String}', {
 *   database: 'gold',
 * })
 * tables.map(({ name }) => name).includes('predictions') // => true
 * await warehouse.close()
 * ```
 */
export function createWarehouse(options: WarehouseOptions): Warehouse {
  const client = createClient({
    url: options.url,
    ...(options.user !== undefined && { username: options.user }),
    ...(options.password !== undefined && { password: options.password }),
    ...(options.database !== undefined && { database: options.database }),
    request_timeout: options.requestTimeoutMs ?? 60_000,
    max_open_connections: options.maxConnections ?? 10,
    compression: { request: options.compression ?? false, response: options.compression ?? false },
    clickhouse_settings: options.readOnly === true ? readSettings : writeSettings,
    use_multipart_params_auto: true,
    application: 'hindsight',
    // Every error reaches the caller; the client would print it as well.
    log: { level: ClickHouseLogLevel.OFF },
  })

  async function select(sql: string, params?: QueryParams, settings?: ClickHouseSettings) {
    return await client.query({ query: sql, format: 'JSONEachRow', ...withOptions(params, settings) })
  }

  /** Inserts lines of JSON, which the client's own insert does not take. */
  async function insertLines(table: string, lines: Uint8Array, settings: ClickHouseSettings): Promise<void> {
    const values = Readable.from([lines], { objectMode: false })
    const { stream } = await client.exec({ query: `INSERT INTO ${table} FORMAT JSONEachRow`, values, clickhouse_settings: settings })
    await finished(stream.resume())
  }

  return {
    query: <Row>(sql: string, params?: QueryParams, settings?: ClickHouseSettings) =>
      withOwnErrors(async () => (await (await select(sql, params, settings)).json()) as Row[]),
    async *stream<Row>(sql: string, params?: QueryParams, settings?: ClickHouseSettings) {
      const result = await withOwnErrors(() => select(sql, params, settings))
      try {
        for await (const rows of result.stream()) yield rows.map((row) => row.json() as Row)
      } catch (error) {
        throw translate(error)
      } finally {
        result.close()
      }
    },
    async insert(table, rows, settings) {
      if (rows.length === 0) return
      const clickhouse_settings: ClickHouseSettings = { ...settings, async_insert: 0 }
      if (rows instanceof Uint8Array) return await withOwnErrors(() => insertLines(table, rows, clickhouse_settings))
      await withOwnErrors(() => client.insert({ table, values: rows as object[], format: 'JSONEachRow', clickhouse_settings }))
    },
    async command(sql, params, settings) {
      await withOwnErrors(() => client.command({ query: sql, ...withOptions(params, { wait_end_of_query: 1, ...settings }) }))
    },
    ping: async () => (await client.ping()).success,
    close: () => client.close(),
  }
}

function withOptions(params?: QueryParams, settings?: ClickHouseSettings) {
  return { ...(params !== undefined && { query_params: params }), ...(settings !== undefined && { clickhouse_settings: settings }) }
}

async function withOwnErrors<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw translate(error)
  }
}

/**
 * The error as the port has it: what ClickHouse said is a query error, unless its disk is at fault; a fault of the caller's own
 * values stays as it is; the rest is the connection's.
 */
function translate(error: unknown): unknown {
  if (error instanceof ClickHouseError) {
    const reason = meaningOf(error.code)
    return reason === 'no_space'
      ? new ServiceError('warehouse_unavailable', `ClickHouse has no disk to write to: ${error.message}`, { cause: error })
      : new WarehouseQueryError(error.message, { reason, type: error.type, exceptionCode: error.code, cause: error })
  }
  if (error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new ServiceError('warehouse_unavailable', `ClickHouse does not answer: ${message}`, { cause: error })
}
