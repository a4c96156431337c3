import type { AnalystSession } from './analyst-session.ts'
import type { Engine, PoolName } from './engine/engine-chdb.ts'
import { EngineError } from './engine/engine-error.ts'
import type { QueryRequest } from './http/http-request.ts'
import type { QueryResponse } from './http/http-response.ts'
import { type AnalystGuard, type JudgedSql, analystDatabase, judgeOnEngine } from './guard/read-only-chdb.ts'
import { renderStatement } from './engine/render-statement-chdb.ts'
import { runQuery, setUpOf } from './run-statement-chdb.ts'
import type { Lease } from './engine/session-slot-chdb.ts'
import type { Spool } from './http/spool.ts'
import { parseSqlStatement } from './sql/sql-statement.ts'

export type AnalystDeps = { engine: Engine; spool: Spool; guard: AnalystGuard }
export type AnalystQuery = { sql: string; request: QueryRequest; response: QueryResponse; signal: AbortSignal }

/** Changes an analyst's session by a SET or USE that the engine understands. */
export async function changeSession(
  { engine }: AnalystDeps,
  { sql, session, signal }: { sql: string; session: AnalystSession; signal: AbortSignal },
): Promise<void> {
  await engine.lease('judge', signal, async (lease) => {
    session.change(await renderStatement(lease, sql))
    const database = session.database()
    await lease.setUp({ ...(database !== undefined && { database }), settings: session.settings(), params: new Map() })
  })
}

/** How long a query may hold the session that is kept for brief ones. */
const briefMs = 2_000

/**
 * Answers a statement of an analyst. Some sessions take any query; one is kept for those that are thought brief. A query that
 * stays there for too long is stopped before its answer has begun, and waits for one of the others.
 */
export async function runAnalystQuery(deps: AnalystDeps, query: AnalystQuery): Promise<void> {
  const { request, signal } = query
  const database = analystDatabase(request.database)
  const judged = await deps.engine.lease('judge', signal, async (lease) => {
    await lease.setUp({ settings: new Map(), params: request.params })
    return await judgeOnEngine(lease, { sql: query.sql, database, params: request.params }, deps.guard)
  })
  if (judged.brief && !deps.engine.hasFree('analyst') && (await runBriefly(deps, { ...query, judged, database }))) return
  await runOn(deps, 'analyst', { ...query, judged, database })
}

type JudgedQuery = AnalystQuery & { judged: JudgedSql; database: string }

/** Answers the query on the session for brief ones; false when it was stopped there because it took too long. */
async function runBriefly(deps: AnalystDeps, query: JudgedQuery): Promise<boolean> {
  const asked = Number(query.request.settings.get('max_execution_time') ?? Number.POSITIVE_INFINITY)
  if (asked * 1000 <= briefMs) {
    await runOn(deps, 'brief', query)
    return true
  }
  const settings = new Map([...query.request.settings, ['max_execution_time', String(briefMs / 1000)]])
  try {
    // The answer waits for the query's end, so that nothing of it has been sent when the query is stopped.
    await runOn(deps, 'brief', { ...query, request: { ...query.request, settings, waitEnd: true } })
    return true
  } catch (error) {
    if (error instanceof EngineError && error.type === 'TIMEOUT_EXCEEDED') return false
    throw error
  }
}

async function runOn(deps: AnalystDeps, pool: PoolName, query: JudgedQuery): Promise<void> {
  const { judged, request, response, signal, database } = query
  await deps.engine.lease(pool, signal, (lease) =>
    cancelledBy(signal, lease, async () => {
      const statement = parseSqlStatement(judged.sql)
      await lease.setUp({ ...setUpOf(request, statement), database })
      const maxFileBytes = Number(deps.engine.settingsOf('analyst').get('max_result_bytes')?.value)
      await runQuery(lease, deps.spool, { sql: judged.sql, statement, request, response, maxFileBytes })
    }),
  )
}

/** Runs `use`, and stops what runs on the session when the signal comes. */
export async function cancelledBy<T>(signal: AbortSignal, lease: Lease, use: () => Promise<T>): Promise<T> {
  const cancel = () => lease.cancel()
  if (signal.aborted) cancel()
  signal.addEventListener('abort', cancel, { once: true })
  try {
    return await use()
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}
