import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Credentials, authenticate } from './http/credentials.ts'
import { cancelledBy, changeSession, runAnalystQuery } from './analyst-queries-chdb.ts'
import { type AnalystSession, createAnalystSession } from './analyst-session.ts'
import type { DiskReserve } from './engine/disk-reserve.ts'
import type { Engine } from './engine/engine-chdb.ts'
import { EngineError } from './engine/engine-error.ts'
import { readBody } from './http/http-encoding.ts'
import { type QueryRequest, addField, parseQueryRequest, singleHeader } from './http/http-request.ts'
import { createQueryResponse, type QueryResponse } from './http/http-response.ts'
import type { HttpSessions } from './http/http-sessions.ts'
import type { KeptSlot, Lease } from './engine/session-slot-chdb.ts'
import type { Spool } from './http/spool.ts'
import type { AnalystGuard } from './guard/read-only-chdb.ts'
import type { Readiness } from './readiness.ts'
import { checkFormat, runInsert, runQuery, setUpOf } from './run-statement-chdb.ts'
import type { ServiceGuard } from './guard/service-guard-chdb.ts'
import { type SqlBody, readSqlBody } from './http/sql-body.ts'
import type { WriteWatch } from './engine/write-watch.ts'

export type HandlerDeps = {
  engine: Engine
  spool: Spool
  writes: WriteWatch
  reserve: DiskReserve
  credentials?: Credentials
  maxBodyBytes: number
  maxQueryBytes: number
  /** Who uses the port, with what guards it. */
  audience:
    | { kind: 'services'; guard: ServiceGuard; sessions: HttpSessions<KeptSlot> }
    | { kind: 'analysts'; guard: AnalystGuard; readiness: Readiness; sessions: HttpSessions<AnalystSession> }
  /** The warehouse's folder, whose path no error message repeats. */
  dir: string
  onError: (error: unknown, queryId: string) => void
}

const noCompression = { http: false, nativeBlocks: false }
const readingVerbs = new Set(['SELECT', 'WITH', 'FROM', 'SHOW', 'DESCRIBE', 'DESC', 'EXISTS', 'EXPLAIN'])

/** Answers one request to ClickHouse's query endpoint. Never throws: errors become answers. */
export function createQueryHandler(deps: HandlerDeps): (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void> {
  return async (request, response, url) => {
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    let answer = createQueryResponse({
      request,
      response,
      version: deps.engine.version,
      queryId: '',
      compression: noCompression,
      errorsAsRows: false,
    })
    let queryId = ''
    try {
      authenticate(request, url, deps.credentials)
      refuseBrowsers(request)
      if (deps.audience.kind === 'analysts') await deps.audience.readiness.require()
      const parsed = parseQueryRequest(request, url, randomUUID)
      queryId = parsed.queryId
      const { compression, errorsAsRows } = parsed
      answer = createQueryResponse({ request, response, version: deps.engine.version, queryId, compression, errorsAsRows })
      await answerQuery(deps, { request, parsed, answer, signal: gone.signal })
    } catch (error) {
      if (gone.signal.aborted) return
      const known = error instanceof EngineError
      if (!known) deps.onError(error, queryId)
      answer.fail(
        known
          ? withoutFolder(error, deps.dir)
          : new EngineError(1002, 'UNKNOWN_EXCEPTION', 'A fault of the embedded warehouse; its log has it', { cause: error }),
      )
      request.resume()
    }
  }
}

type Exchange = { request: IncomingMessage; parsed: QueryRequest; answer: QueryResponse; signal: AbortSignal }

async function answerQuery(deps: HandlerDeps, exchange: Exchange): Promise<void> {
  try {
    await runForAudience(deps, exchange)
  } finally {
    // Lost writes are looked for after a failed statement as well: one may be why it failed.
    await deps.writes.check()
  }
  // The answer ends after its session is free: a client may ask its next question as soon as it has the last byte.
  await exchange.answer.end()
}

async function runForAudience(deps: HandlerDeps, exchange: Exchange): Promise<void> {
  const { audience } = deps
  const { session } = exchange.parsed
  if (audience.kind === 'analysts') {
    const answer = (kept: AnalystSession) => answerAnalyst({ ...deps, ...audience }, exchange, kept)
    if (session === undefined) await answer(createAnalystSession(audience.guard.settings))
    else await audience.sessions.use(session, answer)
  } else {
    const answer = (kept?: KeptSlot) => answerService({ ...deps, ...audience }, exchange, kept)
    if (session === undefined) await answer()
    else await audience.sessions.use(session, answer)
  }
}

type AnalystAudience = Extract<HandlerDeps['audience'], { kind: 'analysts' }>

async function answerAnalyst(
  deps: HandlerDeps & AnalystAudience,
  { request, parsed, answer, signal }: Exchange,
  session: AnalystSession,
): Promise<void> {
  const body = await readQuery(deps, request, parsed)
  checkShape(request, parsed, body)
  await deps.reserve.require(body.statement.verb)
  const { sql, statement } = body
  if (statement.kind === 'insert') throw new EngineError(497, 'ACCESS_DENIED', 'Not allowed on the read-only port: INSERT writes')
  if (statement.verb === 'SET' || statement.verb === 'USE') return await changeSession(deps, { sql, session, signal })
  const settings = deps.guard.settings.admit(new Map([...session.settings(), ...parsed.settings]))
  const database = parsed.database ?? session.database()
  const asked = { ...parsed, settings, ...(database !== undefined && { database }) }
  await runAnalystQuery(deps, { sql, request: asked, response: answer, signal })
}

type ServiceAudience = Extract<HandlerDeps['audience'], { kind: 'services' }>

async function answerService(
  deps: HandlerDeps & ServiceAudience,
  { request, parsed, answer, signal }: Exchange,
  kept: KeptSlot | undefined,
): Promise<void> {
  const { engine, spool, guard } = deps
  const body = await readQuery(deps, request, parsed)
  checkShape(request, parsed, body)
  await deps.reserve.require(body.statement.verb)
  await guard.check(body, parsed, signal)
  if (body.statement.kind === 'insert')
    return await runInsert({ engine, spool, signal, maxQueryBytes: deps.maxQueryBytes }, { request: parsed, body, response: answer, kept })
  const run = (lease: Lease) =>
    cancelledBy(signal, lease, async () => {
      // A request's own settings are put back behind it, which could undo what a SET or USE in it changes for good.
      if (!['SET', 'USE'].includes(body.statement.verb)) await lease.setUp(setUpOf(parsed, body.statement))
      await runQuery(lease, spool, { sql: body.sql, statement: body.statement, request: parsed, response: answer })
    })
  await engine.lease('read', signal, run, kept)
}

async function readQuery(deps: HandlerDeps, request: IncomingMessage, parsed: QueryRequest): Promise<SqlBody> {
  const body = readBody(request, { nativeBlocks: parsed.nativeBlocks, maxBytes: deps.maxBodyBytes })
  const type = singleHeader(request, 'content-type') ?? ''
  if (!type.startsWith('multipart/form-data')) return await readSqlBody(parsed.queryPrefix, body, deps.maxQueryBytes)
  const form = await readForm(body, type, deps.maxQueryBytes)
  let query = parsed.queryPrefix
  for (const [name, value] of form) {
    if (typeof value !== 'string') throw new EngineError(48, 'NOT_IMPLEMENTED', 'The embedded warehouse takes no external tables')
    if (name === 'query') query += value
    else addField(parsed, name, value)
  }
  return await readSqlBody(query, noBody(), deps.maxQueryBytes)
}

async function readForm(body: AsyncIterable<Buffer>, contentType: string, maxBytes: number): Promise<FormData> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > maxBytes) throw new EngineError(223, 'QUERY_IS_TOO_LARGE', `The form is over ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  try {
    return await new Response(Buffer.concat(chunks), { headers: { 'content-type': contentType } }).formData()
  } catch (cause) {
    throw new EngineError(36, 'BAD_ARGUMENTS', 'The body is not the form that Content-Type says', { cause })
  }
}

async function* noBody(): AsyncGenerator<Buffer> {}

/** Throws what a ClickHouse server would for requests that the embedded engine takes and a server refuses. */
function checkShape(request: IncomingMessage, parsed: QueryRequest, { statement }: SqlBody): void {
  if (statement.verb === '') throw new EngineError(62, 'SYNTAX_ERROR', 'Empty query')
  if (statement.multiple) throw new EngineError(62, 'SYNTAX_ERROR', 'Syntax error (Multi-statements are not allowed)')
  if (statement.usesFiles)
    throw new EngineError(497, 'ACCESS_DENIED', 'INTO OUTFILE and FROM INFILE name files of the client, and this is not the client')
  if (request.method === 'GET' && !readingVerbs.has(statement.verb))
    throw new EngineError(
      164,
      'READONLY',
      'Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly: use POST',
    )
  if (statement.format !== undefined) checkFormat(statement.format)
  // A session keeps the parameters of earlier requests, so the engine would not miss one. A view's own are no parameters of CREATE.
  const missing = statement.verb === 'CREATE' ? undefined : statement.parameters.find((name) => !parsed.params.has(name))
  if (missing !== undefined) throw new EngineError(456, 'UNKNOWN_QUERY_PARAMETER', `Substitution \`${missing}\` is not set`)
}

/** Refuses requests of browsers: any web page may post to a loopback port, and no client of the warehouse is a browser. */
function refuseBrowsers(request: IncomingMessage): void {
  if (request.headers.origin !== undefined || request.headers['sec-fetch-site'] === 'cross-site')
    throw new EngineError(497, 'ACCESS_DENIED', 'Requests of web pages are not taken')
}

function withoutFolder(error: EngineError, dir: string): EngineError {
  if (!error.message.includes(dir)) return error
  return new EngineError(error.code, error.type, error.message.replaceAll(dir, 'warehouse'), { cause: error })
}
