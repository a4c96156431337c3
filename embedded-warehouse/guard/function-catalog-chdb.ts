import { allowedCategories, allowedFunctions, deniedFunctions } from './read-only-rules.ts'
import type { Lease } from '../engine/session-slot-chdb.ts'

/** The functions of this very build, by their names in lower case. */
export type FunctionCatalog = {
  /** Whether a query of an analyst may call it; false for a name that is none of the engine's. */
  allows(name: string): boolean
  knows(name: string): boolean
  /** Takes a function as its first argument, also by that function's bare name. */
  takesFunction(name: string): boolean
  isTableFunction(name: string): boolean
}

type FunctionRow = { name: string; alias: string; category: string; aggregate: boolean; higherOrder: boolean }

/** Reads them from the engine, so that what a new build adds is refused until its family is known to be harmless. */
export async function readFunctionCatalog(lease: Lease): Promise<FunctionCatalog> {
  const functions = await rows(
    lease,
    `SELECT lower(name), lower(alias_to), categories, toBool(is_aggregate), toBool(ifNull(higher_order, 0)) FROM system.functions`,
  )
  const tableFunctions = await rows(lease, 'SELECT lower(name) FROM system.table_functions')
  const combinators = await rows(lease, 'SELECT lower(name) FROM system.aggregate_function_combinators')
  return createFunctionCatalog({
    functions: functions.map(([name, alias, category, aggregate, higherOrder]) => ({
      name: String(name),
      alias: String(alias),
      category: String(category),
      aggregate: aggregate === true,
      higherOrder: higherOrder === true,
    })),
    tableFunctions: new Set(tableFunctions.map(([name]) => String(name))),
    combinators: combinators.map(([name]) => String(name)),
  })
}

function createFunctionCatalog(from: {
  functions: readonly FunctionRow[]
  tableFunctions: ReadonlySet<string>
  combinators: readonly string[]
}): FunctionCatalog {
  const byName = new Map(from.functions.map((row) => [row.name, row]))
  const original = (row: FunctionRow) => byName.get(row.alias) ?? row
  const isHarmless = (row: FunctionRow) => row.aggregate || allowedFunctions.has(row.name) || allowedCategories.has(row.category)
  const allowed = new Set(allowedFunctions)
  for (const row of from.functions) if (isHarmless(original(row))) allowed.add(row.name)
  for (const name of deniedFunctions) allowed.delete(name)
  const aggregates = new Set(from.functions.filter((row) => original(row).aggregate).map((row) => row.name))

  function isAggregate(name: string): boolean {
    if (aggregates.has(name)) return true
    return from.combinators.some(
      (suffix) => name.length > suffix.length && name.endsWith(suffix) && isAggregate(name.slice(0, -suffix.length)),
    )
  }
  return {
    allows: (name) => allowed.has(name) || (!byName.has(name) && isAggregate(name)),
    knows: (name) => byName.has(name),
    takesFunction: (name) => {
      const row = byName.get(name)
      return row !== undefined && original(row).higherOrder
    },
    isTableFunction: (name) => from.tableFunctions.has(name),
  }
}

async function rows(lease: Lease, sql: string): Promise<unknown[][]> {
  const text = (await lease.query(sql, 'JSONCompactEachRow')).text()
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown[])
}
