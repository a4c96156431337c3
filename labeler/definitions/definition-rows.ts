import type { Warehouse } from '../../platform/warehouse/warehouse.ts'

export type DefinitionKind = 'label' | 'model' | 'feature_view'

/** A row of silver.definitions; `fromMs` is undefined where it counts as always in force, `definition` where the project has it no more. */
export type DefinitionRow = {
  kind: DefinitionKind
  name: string
  fromMs: number | undefined
  sha256: string
  definition: unknown
}

/** The time that stands for "always" in silver.definitions. */
export const always = '1900-01-01 00:00:00.000'

/** All definitions that have been in force, oldest first. */
export async function readDefinitionRows(warehouse: Warehouse): Promise<DefinitionRow[]> {
  const rows = await warehouse.query<{
    kind: DefinitionKind
    name: string
    from: string
    from_ms: string
    sha256: string
    definition: string
  }>(
    `SELECT kind, name, in_force_from AS from, toUnixTimestamp64Milli(in_force_from) AS from_ms, definition_sha256 AS sha256, definition
     FROM silver.definitions FINAL ORDER BY in_force_from, kind, name, sha256`,
  )
  return rows.map(({ kind, name, from, from_ms, sha256, definition }) => ({
    kind,
    name,
    fromMs: from === always ? undefined : Number(from_ms),
    sha256,
    definition: definition === '' ? undefined : JSON.parse(definition),
  }))
}
