import type { Warehouse } from '../../platform/warehouse/warehouse.ts'

/** A system under load; a part is undefined where the load test may not stop or start it. */
export type Target = {
  url: string
  /** The gateway's admin listener, for deployments. */
  admin: string | undefined
  /** The warehouse in which its predictions are stored. */
  warehouse: Warehouse
  /** The ways to disturb a system that was started for the test. */
  own: { stopWarehouse(): void; continueWarehouse(): void; dir: string } | undefined
  close(): Promise<void>
}

/** The bytes that the gateway's process holds, from its metrics. */
export async function residentBytes({ url }: Pick<Target, 'url'>): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const value = /^process_resident_memory_bytes(?:\{[^}]*\})? ([\d.e+]+)/m.exec(text)?.[1]
  if (value === undefined) throw new Error(`${url}/metrics has no process_resident_memory_bytes`)
  return Number(value)
}

/** The number of a run's rows as readers see them: predictions that were answered. */
export async function storedRows({ warehouse }: Pick<Target, 'warehouse'>, tag: string): Promise<number> {
  const rows = await warehouse.query<{ n: string }>(
    `SELECT count() AS n FROM silver.predictions WHERE has(tags, {tag:String}) AND route != 'shadow' AND status != 'error'`,
    { tag },
  )
  return Number(rows[0]?.n ?? 0)
}
