import { canonicalHash, toCanonicalJson } from '../../contracts/canonical-json.ts'
import type { Project } from '../../platform/project/project.ts'
import { toColumnTime } from '../../platform/warehouse/column-time.ts'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import { always, type DefinitionKind, type DefinitionRow, readDefinitionRows } from './definition-rows.ts'

type Recorded = { kind: DefinitionKind; name: string; sha256: string }

/**
 * Records what of the project's definitions differs from the newest recorded, as in force from now on, and resolves with it. What the
 * project has no more ends, unless the project has errors: then it may be there and broken.
 */
export async function recordDefinitions(warehouse: Warehouse, project: Project, nowMs: number): Promise<Recorded[]> {
  const rows = await readDefinitionRows(warehouse)
  const newest = new Map(rows.map((row) => [keyOf(row), row]))
  const current = definitionsOf(project)
  const changed = current.filter((one) => newest.get(keyOf(one))?.sha256 !== one.sha256)
  const isWhole = project.problems.every(({ severity }) => severity !== 'error')
  const kept = new Set(current.map(keyOf))
  const ended = isWhole ? [...newest.values()].filter((row) => row.definition !== undefined && !kept.has(keyOf(row))) : []
  // The labels of before the migration have always been in force, and so has what else the project had then.
  const isUpgraded = rows.length > 0 && rows.every(({ kind }) => kind === 'label') && rows.some(({ fromMs }) => fromMs === undefined)
  const from = (key: string) => (isUpgraded && !newest.has(key) ? always : toColumnTime(nowMs))
  const added = [
    ...changed.map((one) => ({ ...toColumns(one), in_force_from: from(keyOf(one)), definition: toCanonicalJson(one.definition) })),
    ...ended.map((one) => ({ ...toColumns({ ...one, sha256: '' }), in_force_from: toColumnTime(nowMs), definition: '' })),
  ]
  if (added.length > 0) await warehouse.insert('silver.definitions', added)
  return [...changed, ...ended.map((row) => ({ ...row, sha256: '' }))]
}

function definitionsOf(project: Project): (Recorded & { definition: object })[] {
  const all = (kind: DefinitionKind, definitions: readonly { name: string }[]) =>
    definitions.map((definition) => ({ kind, name: definition.name, sha256: canonicalHash(definition), definition }))
  return [
    ...all('label', [...project.labels.values()]),
    ...all(
      'model',
      [...project.models.values()].map(({ definition }) => definition),
    ),
    ...all('feature_view', [...project.views.values()]),
  ]
}

function toColumns({ kind, name, sha256 }: Recorded): object {
  return { kind, name, definition_sha256: sha256 }
}

function keyOf({ kind, name }: Pick<DefinitionRow, 'kind' | 'name'>): string {
  return `${kind} ${name}`
}
