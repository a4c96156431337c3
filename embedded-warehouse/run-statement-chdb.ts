import { stat } from 'node:fs/promises'
import type { ChdbResult } from 'chdb'
import type { Engine } from './engine/engine-chdb.ts'
import { type KeptSlot, type Lease, type SessionSetup, quoteString, toEngineError } from './engine/session-slot-chdb.ts'
import { EngineError } from './engine/engine-error.ts'
import { forwardGrowingFile } from './http/growing-file.ts'
import type { QueryRequest } from './http/http-request.ts'
import type { QueryResponse } from './http/http-response.ts'
import { numberHeaders } from './engine/query-numbers.ts'
import { valuesSettings } from './sql/parsed-arguments.ts'
import { createProgressRows, hasProgressRows, progressIntervalUs } from './http/progress-rows.ts'
import { renderStatement } from './engine/render-statement-chdb.ts'
import { type Spool, writeFile } from './http/spool.ts'
import type { SqlStatement } from './sql/sql-statement.ts'
import type { SqlBody } from './http/sql-body.ts'
import { fileMayCompute } from './sql/values-data.ts'

export type RunDeps = { engine: Engine; spool: Spool; signal: AbortSignal }

/** Runs an insert whose rows come with the request. */
export async function runInsert(
  deps: RunDeps & { /** The longest text of rows whose expressions are computed. */ maxQueryBytes: number },
  { request, body, response, kept }: { request: QueryRequest; body: SqlBody; response: QueryResponse; kept?: KeptSlot | undefined },
): Promise<void> {
  const format = checkFormat(formatOf(request, body.statement))
  await deps.spool.withPath(async (path) => {
    await writeFile(path, body.data)
    const computes = /^values$/i.test(format) && (await fileMayCompute(path, deps.maxQueryBytes))
    const setUp = setUpOf(request, body.statement)
    const settings = new Map([...setUp.settings, ...valuesSettings.map((name) => [name, computes ? '1' : '0'] as const)])
    const result = await deps.engine.lease(
      'insert',
      deps.signal,
      async (lease) => {
        await lease.setUp({ ...setUp, settings })
        const sql = `${body.sql} FROM INFILE ${quoteString(path)} COMPRESSION 'none' FORMAT ${format}`
        return await lease.query(sql, request.defaultFormat).catch((error: unknown) => {
          throw withoutPath(toEngineError(error), path)
        })
      },
      kept,
    )
    response.setHeaders({ 'Content-Type': contentType(request.defaultFormat) })
    const written = { written_rows: result.rowsRead, written_bytes: result.bytesRead, elapsed: result.elapsed }
    response.setHeaders(numberHeaders(written, { withProgress: request.progressHeaders }))
  })
}

export type RunQuery = {
  sql: string
  statement: SqlStatement
  request: QueryRequest
  response: QueryResponse
  /** The most bytes of a result as it is written: the engine's own bound counts a value that all rows share once. */
  maxFileBytes?: number
}

/** Runs a statement and sends its result: that of a SELECT as the engine writes it, any other whole. */
export async function runQuery(lease: Lease, spool: Spool, query: RunQuery): Promise<void> {
  const { sql, statement, request, response } = query
  const format = checkFormat(formatOf(request, statement))
  response.setHeaders({ 'X-ClickHouse-Format': format, 'Content-Type': contentType(format) })
  if (statement.kind === 'session') lease.spoil()
  if (statement.kind === 'select') await spool.withPath((path) => sendSelect(lease, path, query))
  else await sendWhole({ request, response }, await lease.query(sql, format))
}

/** The time between two looks at a result's size, within which it may grow by tens of megabytes. */
const sizeCheckMs = 100

async function sendSelect(lease: Lease, path: string, query: RunQuery): Promise<void> {
  const { sql, statement, request, response, maxFileBytes = Number.POSITIVE_INFINITY } = query
  const { start, end } = statement.output
  const format = formatOf(request, statement)
  const outfile = ` INTO OUTFILE ${quoteString(path)}`
  const output = `${outfile} FORMAT ${format} `
  let running = true
  let isTooLarge = false
  const watch = setInterval(async () => {
    const { size } = await stat(path).catch(() => ({ size: 0 }))
    if (size <= maxFileBytes || !running) return
    isTooLarge = true
    lease.cancel()
  }, sizeCheckMs)
  const done = lease
    .query(sql.slice(0, start) + output + sql.slice(end), 'Null')
    .then((result) => response.setHeaders(headersOf(request, result)))
    .catch(async (error: unknown) => {
      if (isTooLarge) throw new EngineError(396, 'TOO_MANY_ROWS_OR_BYTES', `Limit for result exceeded, max bytes: ${maxFileBytes}`)
      throw await inWordsOfClient(lease, { sql, outfile, path, error: toEngineError(error) })
    })
    .finally(() => {
      running = false
      clearInterval(watch)
    })
  // A client that watches progress gets the rows before an error, as from a server.
  const ended = hasProgressRows(format) ? done.catch(() => undefined) : done
  let begun = false
  const write = async (chunk: Uint8Array) => {
    if (!begun) await describe()
    begun = true
    await response.write(chunk)
  }
  /** Sets the headers with the query's numbers of this moment. They go out once and first, so a query without numbers, which is over, is waited for. */
  async function describe(): Promise<void> {
    const numbers = running ? await lease.progress() : undefined
    if (numbers === undefined) await ended
    else if (running) response.setHeaders(numberHeaders(numbers, { withProgress: request.progressHeaders }))
  }
  try {
    if (request.waitEnd) await done
    await forwardGrowingFile(path, ended, hasProgressRows(format) ? createProgressRows(write) : write)
    await done
  } finally {
    // The file is removed next: the engine must not be writing to it any more.
    if (running) lease.cancel()
    await done.catch(() => undefined)
  }
}

/** How a session is set up for one statement of the request. */
export function setUpOf(request: QueryRequest, statement: SqlStatement): SessionSetup {
  const own = hasProgressRows(formatOf(request, statement)) ? [['interactive_delay', String(progressIntervalUs)] as const] : []
  const settings = new Map([...own, ...request.settings])
  return { ...(request.database !== undefined && { database: request.database }), settings, params: request.params }
}

function formatOf(request: QueryRequest, statement: SqlStatement): string {
  return statement.format ?? request.defaultFormat
}

async function sendWhole({ request, response }: Pick<RunQuery, 'request' | 'response'>, result: ChdbResult): Promise<void> {
  const bytes = result.bytes()
  response.setHeaders(headersOf(request, result))
  if (bytes.length > 0) await response.write(bytes)
}

/** The headers with a result's numbers. Of an ended statement the engine says how many rows came, and not how many were read. */
function headersOf(request: QueryRequest, { rowsRead, bytesRead, elapsed }: ChdbResult): Record<string, string> {
  return numberHeaders({ result_rows: rowsRead, result_bytes: bytesRead, elapsed }, { withProgress: request.progressHeaders })
}

function withoutPath(error: EngineError, path: string): EngineError {
  return new EngineError(error.code, error.type, error.message.replaceAll(path, 'request body'), { cause: error })
}

/** Puts an error into the words of the client's own statement, whose text and positions differ from the one that ran. */
async function inWordsOfClient(lease: Lease, { sql, outfile, path, error }: FailedSelect): Promise<EngineError> {
  if (error.type === 'SYNTAX_ERROR') await renderStatement(lease, sql)
  const message = error.message.replaceAll(outfile, '').replaceAll(path, 'result')
  return new EngineError(error.code, error.type, message, { cause: error })
}

type FailedSelect = { sql: string; outfile: string; path: string; error: EngineError }

/** Throws unless the name is plain, because it becomes a part of a statement and of a header. */
export function checkFormat(name: string): string {
  if (!/^\w+$/.test(name)) throw new EngineError(73, 'UNKNOWN_FORMAT', `Unknown format ${name}`)
  return name
}

function contentType(format: string): string {
  if (/^JSON|NDJSON/i.test(format))
    return /EachRow|Lines|ND/i.test(format) ? 'application/x-ndjson; charset=UTF-8' : 'application/json; charset=UTF-8'
  if (/^CSV/i.test(format)) return 'text/csv; charset=UTF-8; header=absent'
  if (/^(TabSeparated|TSV)/i.test(format)) return 'text/tab-separated-values; charset=UTF-8'
  return /^(RowBinary|Native|Parquet|Arrow|ORC|Avro|MsgPack|Npy)/i.test(format) ? 'application/octet-stream' : 'text/plain; charset=UTF-8'
}
