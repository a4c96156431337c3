import type { IncomingMessage } from 'node:http'
import { EngineError } from '../engine/engine-error.ts'

/** A request to ClickHouse's HTTP interface, taken apart. */
export type QueryRequest = {
  /** The statement's beginning from the URL, or empty. */
  queryPrefix: string
  database?: string
  defaultFormat: string
  queryId: string
  settings: Map<string, string>
  params: Map<string, string>
  compression: Compression
  /** Whether the body comes in ClickHouse's compressed blocks. */
  nativeBlocks: boolean
  session?: SessionRequest
  /** Whether the whole result is wanted before the first byte. */
  waitEnd: boolean
  /** Whether a late error is wanted as a row, in formats that have rows for it. */
  errorsAsRows: boolean
  /** Whether progress is wanted in the head. */
  progressHeaders: boolean
}

/** The compressions that a client takes: encodings of HTTP, and ClickHouse's compressed blocks. */
export type Compression = { http: boolean; nativeBlocks: boolean }

/** The session that a request wants to be part of. */
export type SessionRequest = {
  id: string
  timeoutMs: number
  /** Whether the session must exist already. */
  check: boolean
  /** Whether the session ends with this request. */
  close: boolean
}

/** URL parameters that are the front's own, or change nothing here. */
export const frontParameters: ReadonlySet<string> = new Set([
  'query',
  'query_id',
  'database',
  'default_format',
  'user',
  'password',
  'quota_key',
  'stacktrace',
  'buffer_size',
  'wait_end_of_query',
  'add_http_cors_header',
  'enable_http_compression',
  'http_zlib_compression_level',
  'send_progress_in_http_headers',
  'log_comment',
  'http_headers_progress_interval_ms',
  'http_write_exception_in_output_format',
  'close_session',
  'session_id',
  'compress',
  'decompress',
  'session_timeout',
  'session_check',
  'client_protocol_version',
])
const settingName = /^[A-Za-z_][A-Za-z0-9_]*$/

/** Throws what ClickHouse would for what the front cannot do. */
export function parseQueryRequest(request: IncomingMessage, url: URL, newQueryId: () => string): QueryRequest {
  const get = (name: string) => url.searchParams.get(name) ?? undefined
  const header = (name: string) => singleHeader(request, name)
  refuseUnsupported(url.searchParams)
  const database = get('database') ?? header('x-clickhouse-database')
  const parsed: QueryRequest = {
    queryPrefix: get('query') ?? '',
    ...(database !== undefined && database !== '' && { database }),
    defaultFormat: get('default_format') ?? header('x-clickhouse-format') ?? 'TabSeparated',
    queryId: get('query_id') ?? newQueryId(),
    settings: new Map(),
    params: new Map(),
    compression: { http: isTrue(get('enable_http_compression')), nativeBlocks: isTrue(get('compress')) },
    nativeBlocks: isTrue(get('decompress')),
    ...sessionOf(get),
    waitEnd: isTrue(get('wait_end_of_query')),
    progressHeaders: isTrue(get('send_progress_in_http_headers')),
    errorsAsRows: isTrue(get('http_write_exception_in_output_format')),
  }
  if (!settingName.test(parsed.defaultFormat)) throw new EngineError(73, 'UNKNOWN_FORMAT', `Unknown format ${parsed.defaultFormat}`)
  for (const [name, value] of url.searchParams) addField(parsed, name, value)
  return parsed
}

/** A field of the URL or of a form: a parameter of the query, or a setting. */
export function addField(parsed: QueryRequest, name: string, value: string): void {
  if (name.startsWith('param_')) return void parsed.params.set(checkedName(name.slice('param_'.length)), value)
  if (!frontParameters.has(name)) parsed.settings.set(checkedName(name), value)
}

function checkedName(name: string): string {
  if (!settingName.test(name)) throw new EngineError(115, 'UNKNOWN_SETTING', `Unknown setting '${name}'`)
  return name
}

function refuseUnsupported(params: URLSearchParams): void {
  if (params.has('role')) throw new EngineError(48, 'NOT_IMPLEMENTED', 'The embedded warehouse has no roles')
}

const maxSessionSeconds = 3600
const defaultSessionSeconds = 60

function sessionOf(get: (name: string) => string | undefined): { session?: SessionRequest } {
  const id = get('session_id') ?? ''
  if (id === '') return {}
  const seconds = get('session_timeout') ?? String(defaultSessionSeconds)
  if (!/^\d+$/.test(seconds)) throw new EngineError(374, 'INVALID_SESSION_TIMEOUT', `Invalid session timeout: '${seconds}'`)
  if (Number(seconds) > maxSessionSeconds)
    throw new EngineError(
      374,
      'INVALID_SESSION_TIMEOUT',
      `Session timeout '${seconds}' is larger than max_session_timeout: ${maxSessionSeconds}. Maximum session timeout could be modified in configuration file.`,
    )
  return {
    session: { id, timeoutMs: Number(seconds) * 1000, check: isTrue(get('session_check')), close: isTrue(get('close_session')) },
  }
}

function isTrue(value: string | undefined): boolean {
  return value === '1' || value === 'true'
}

export function singleHeader(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}
