import { existsSync } from 'node:fs'
import { EngineError } from '../engine/engine-error.ts'
import type { Engine } from '../engine/engine-chdb.ts'
import type { FunctionCatalog } from './function-catalog-chdb.ts'
import type { QueryRequest } from '../http/http-request.ts'
import { renderStatement } from '../engine/render-statement-chdb.ts'
import { checkSetting, judgeServiceStatement } from './service-guard.ts'
import { splitFilteredShow } from '../sql/show-filter.ts'
import { type Lease, quoteString } from '../engine/session-slot-chdb.ts'
import type { SqlBody } from '../http/sql-body.ts'

export type ServiceGuard = {
  /** Throws ACCESS_DENIED for a statement that would read or write beyond the warehouse, UNKNOWN_TABLE for a file's name. */
  check(body: SqlBody, request: QueryRequest, signal: AbortSignal): Promise<void>
}

/** The engine's own default database, in which the name of a table can be that of a file. */
const engineDefault = 'default'
const rememberedStatements = 2_000
const rememberedChars = 16_384

/** Services repeat their statements: what was judged once, and named no table by a parameter, is not judged again. */
export function createServiceGuard({ engine, catalog }: { engine: Engine; catalog: FunctionCatalog }): ServiceGuard {
  const harmless = new Set<string>()

  function remember(key: string): void {
    if (key.length > rememberedChars) return
    if (harmless.size >= rememberedStatements) harmless.clear()
    harmless.add(key)
  }

  async function judge(lease: Lease, canonical: string): Promise<string[]> {
    const tree = (await lease.query(`EXPLAIN AST ${canonical}`, 'TSVRaw')).text()
    return judgeServiceStatement({ tree, canonical }, catalog)
  }

  return {
    async check({ sql, statement }, request, signal) {
      for (const name of request.settings.keys()) checkSetting(name)
      const text = statement.kind === 'insert' ? `${sql} FORMAT Null` : sql
      const names = [...request.params].filter(([, value]) => !/^[\d.-]*$/.test(value))
      const namesTables = /:\s*identifier\s*\}/i.test(text)
      const key = `${request.database ?? ''}\n${text}`
      if (!namesTables && harmless.has(key)) return
      if (namesTables && names.some(([, value]) => /[\r\n\0]/.test(value)))
        throw new EngineError(36, 'BAD_ARGUMENTS', 'A name must not hold line breaks')
      await engine.lease('judge', signal, async (lease) => {
        await lease.setUp({ settings: new Map(), params: request.params })
        const canonical = await renderStatement(lease, text)
        const tables = await judge(lease, canonical)
        const filtered = splitFilteredShow(canonical)
        if (filtered !== undefined) tables.push(...(await judge(lease, `SELECT 1 FROM system.one ${filtered.keyword} ${filtered.rest}`)))
        const loose = tables.flatMap((name) => inDefault(name, request.database ?? engineDefault))
        await refuseFiles(lease, loose)
        if (!namesTables) remember(key)
      })
    },
  }
}

/** The names that a table has within the engine's default database; none when it lies in another. */
function inDefault(name: string, current: string): string[] {
  if (name.startsWith(`${engineDefault}.`)) return [name.slice(engineDefault.length + 1), ...(current === engineDefault ? [name] : [])]
  return current === engineDefault ? [name] : []
}

async function refuseFiles(lease: Lease, loose: readonly string[]): Promise<void> {
  if (loose.length === 0) return
  const names = loose.map(quoteString).join(', ')
  const sql = `SELECT name FROM system.tables WHERE database = ${quoteString(engineDefault)} AND name IN (${names})`
  const there = new Set((await lease.query(sql, 'TSVRaw')).text().split('\n'))
  const file = loose.find((name) => !there.has(name) && !isPlain(name))
  if (file !== undefined) throw new EngineError(60, 'UNKNOWN_TABLE', `Table ${engineDefault}.${file} does not exist`)
}

/**
 * Whether a name that is no table is harmless: that of a common table expression or a column, or `gold.t` read within its own
 * database. No file has such a name.
 */
function isPlain(name: string): boolean {
  return /^[^/\\*?{}[\]:]+$/.test(name) && !existsSync(name)
}
