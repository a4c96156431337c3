import type { AnalystSession } from './analyst-session.ts'
import type { Engine } from './engine/engine-chdb.ts'
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

/** How long a query may hold the session that is kept for its kind, which another of that kind may wait for. */
const longestMs = { brief: 2_000, views: 10_000 }

/**
 * Answers a statement of an analyst. Some sessions take any query, one is kept for queries that are thought to read little, and one for
 * those that do so through views. A query that stays on a kept session for too long is stopped before its answer has begun, and waits for
 * one of the others.
 */
export async function runAnalystQuery(deps: AnalystDeps, query: AnalystQuery): Promise<void> {
  const { request, signal } = query
  const database = analystDatabase(request.database)
  const judged = await deps.engine.lease('judge', signal, async (lease) => {
    await lease.setUp({ settings: new Map(), params: request.params })
    return await judgeOnEngine(lease, { sql: query.sql, database, params: request.params }, deps.guard)
  })
  const toRun = { ...query, judged, database }
  if (judged.amount !== 'much' && (await runOnFirst(judged.amount === 'little' ? 'brief' : 'views', deps, toRun))) return
  await deps.engine.lease('analyst', signal, (lease) => runOn(lease, deps, toRun))
}

type JudgedQuery = AnalystQuery & { judged: JudgedSql; database: string }

/** Answers the query on the first session that comes free, the kept one among them; false when it was stopped there because it took too long. */
async function runOnFirst(kept: keyof typeof longestMs, deps: AnalystDeps, query: JudgedQuery): Promise<boolean> {
  return await deps.engine.leaseFirst(['analyst', kept], query.signal, async (lease, pool) => {
    if (pool === kept) return await runWithin(longestMs[kept], lease, deps, query)
    await runOn(lease, deps, query)
    return true
  })
}

/** Answers the query on a kept session; false when it was stopped there because it took longer than `ms`, whatever limit it asked for. */
async function runWithin(ms: number, lease: Lease, deps: AnalystDeps, query: JudgedQuery): Promise<boolean> {
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    lease.cancel()
  }, ms)
  try {
    // The answer waits for the query's end, so that nothing of it has been sent when the query is stopped.
    await runOn(lease, deps, { ...query, request: { ...query.request, waitEnd: true } })
    return true
  } catch (error) {
    if (isLate && error instanceof EngineError && error.type === 'QUERY_WAS_CANCELLED' && !query.signal.aborted) return false
    throw error
  } finally {
    clearTimeout(timer)
  }
}

async function runOn(lease: Lease, deps: AnalystDeps, query: JudgedQuery): Promise<void> {
  const { judged, request, response, signal, database } = query
  await cancelledBy(signal, lease, async () => {
    const statement = parseSqlStatement(judged.sql)
    await lease.setUp({ ...setUpOf(request, statement), database })
    const maxFileBytes = Number(deps.engine.settingsOf('analyst').get('max_result_bytes')?.value)
    await runQuery(lease, deps.spool, { sql: judged.sql, statement, request, response, maxFileBytes })
  })
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
