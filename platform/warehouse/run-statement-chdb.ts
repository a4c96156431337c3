import type { ChdbResult } from 'chdb'
import type { Engine } from './engine-chdb.ts'
import { type Lease, quoteString, toEngineError } from './session-slot-chdb.ts'
import { EngineError } from './engine-error.ts'
import type { QueryRequest } from './http-request.ts'
import type { QueryResponse } from './http-response.ts'
import type { InsertSpool } from './insert-spool.ts'
import type { Statement } from './statement.ts'
import type { StatementBody } from './statement-body.ts'

/** Formats whose blocks can simply follow one another; the engine starts a new document with each block of a stream. */
const streamable = new Set(
  [
    'JSONEachRow',
    'JSONLines',
    'NDJSON',
    'JSONCompactEachRow',
    'JSONStringsEachRow',
    'JSONCompactStringsEachRow',
    'TabSeparated',
    'TSV',
    'TabSeparatedRaw',
    'TSVRaw',
    'Raw',
    'TSKV',
    'CSV',
    'RowBinary',
    'Native',
    'MsgPack',
    'LineAsString',
    'RawBLOB',
    'Null',
  ].map((name) => name.toLowerCase()),
)

export type RunDeps = { engine: Engine; spool: InsertSpool; signal: AbortSignal }

/** Runs an insert whose rows come with the request. */
export async function runInsert(
  deps: RunDeps,
  { request, body, response }: { request: QueryRequest; body: StatementBody; response: QueryResponse },
): Promise<void> {
  await deps.spool.withFile(body.data, async (path) => {
    const result = await deps.engine.lease('insert', deps.signal, async (lease) => {
      await lease.setUp(setUpOf(request))
      const sql = `${body.sql} FROM INFILE ${quoteString(path)} COMPRESSION 'none' FORMAT ${body.statement.format}`
      return await lease.query(sql, request.defaultFormat).catch((error: unknown) => {
        throw withoutPath(toEngineError(error), path)
      })
    })
    response.setHeaders(summaryHeader({ written_rows: result.rowsRead, written_bytes: result.bytesRead, elapsed: result.elapsed }))
  })
  await response.end()
}

/** Runs a statement and sends its result: as it comes where the format allows it, whole otherwise. */
export async function runQuery(
  lease: Lease,
  sql: string,
  { statement, request, response }: { statement: Statement; request: QueryRequest; response: QueryResponse },
): Promise<void> {
  const format = statement.format ?? request.defaultFormat
  response.setHeaders({ 'X-ClickHouse-Format': format, 'Content-Type': contentType(format) })
  if (statement.kind === 'session') lease.spoil()
  if (statement.kind === 'select' && !request.waitEnd && isStreamable(format, sql, request)) {
    for await (const block of lease.stream(sql, format)) await response.write(block)
  } else await sendWhole(response, await lease.query(sql, format))
  await response.end()
}

export function setUpOf(request: QueryRequest) {
  return { ...(request.database !== undefined && { database: request.database }), settings: request.settings, params: request.params }
}

async function sendWhole(response: QueryResponse, result: ChdbResult): Promise<void> {
  const bytes = result.bytes()
  response.setHeaders(
    summaryHeader({ read_rows: result.rowsRead, read_bytes: result.bytesRead, result_bytes: bytes.length, elapsed: result.elapsed }),
  )
  if (bytes.length > 0) await response.write(bytes)
}

/** With `output_format_json_array_of_rows` each block would be an array of its own. */
function isStreamable(format: string, sql: string, request: QueryRequest): boolean {
  const arrays = 'output_format_json_array_of_rows'
  return streamable.has(format.toLowerCase()) && !request.settings.has(arrays) && !sql.includes(arrays)
}

function summaryHeader({ elapsed, ...counts }: Record<string, number>): Record<string, string> {
  const zero = { read_rows: 0, read_bytes: 0, written_rows: 0, written_bytes: 0, total_rows_to_read: 0, result_rows: 0, result_bytes: 0 }
  const summary = { ...zero, ...counts, elapsed_ns: Math.round((elapsed ?? 0) * 1e9) }
  return {
    'X-ClickHouse-Summary': JSON.stringify(Object.fromEntries(Object.entries(summary).map(([name, value]) => [name, String(value)]))),
  }
}

function withoutPath(error: EngineError, path: string): EngineError {
  return new EngineError(error.code, error.type, error.message.replaceAll(path, 'request body'), { cause: error })
}

function contentType(format: string): string {
  if (/^JSON|NDJSON/i.test(format))
    return /EachRow|Lines|ND/i.test(format) ? 'application/x-ndjson; charset=UTF-8' : 'application/json; charset=UTF-8'
  if (/^CSV/i.test(format)) return 'text/csv; charset=UTF-8; header=absent'
  if (/^(TabSeparated|TSV)/i.test(format)) return 'text/tab-separated-values; charset=UTF-8'
  return /^(RowBinary|Native|Parquet|Arrow|ORC|Avro|MsgPack|Npy)/i.test(format) ? 'application/octet-stream' : 'text/plain; charset=UTF-8'
}
