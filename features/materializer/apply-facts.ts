import { applyChange, targetOf, type EntityBlocks, type RebuildTile } from '../engine/apply-change.ts'
import type { TileGrid } from '../engine/compile-view.ts'
import type { Fact } from '../engine/fact.ts'
import { resolveFact, type Change } from '../engine/known-ids.ts'
import { foldExcess, type MaintenancePolicy } from '../engine/maintain.ts'
import { pageOf, partitionOf } from '../engine/store-keys.ts'
import type { OnlineStore } from '../../platform/online-store/online-store.ts'
import type { BlockRef, BlockStore, StagedValues } from './block-store.ts'
import { loadIds } from './id-store.ts'

/** A tile whose value is refused until it has been read again from the warehouse. */
export type RebuildRequest = RebuildTile & { grid: TileGrid; tenant: string; entityId: string }

export type ApplyDeps = {
  store: Pick<OnlineStore, 'read'>
  blocks: BlockStore
  gridsOf(source: string): readonly TileGrid[]
  policy: MaintenancePolicy
  nowMs: number
  /** Whether the partition has this record already. */
  isApplied(partition: number, fact: Fact): boolean
}

/** Applies facts in their order to every grid of their source. Writes nothing: what to commit goes into `staged`. */
export async function applyFacts(deps: ApplyDeps, facts: readonly Fact[], staged: StagedValues): Promise<RebuildRequest[]> {
  const ids = await loadIds(deps.store, facts)
  const steps = facts.flatMap((fact) => resolveFact(ids.of(fact), fact).flatMap((change) => toSteps(deps, fact, change)))
  await deps.blocks.load(steps.flatMap(({ head, page }) => [head, page]))
  const rebuild = steps.flatMap((step) => applyStep(deps, step))
  for (const ref of deps.blocks.touched())
    foldExcess({ grid: ref.grid, block: deps.blocks.get(ref), nowMs: deps.nowMs, policy: deps.policy })
  deps.blocks.stage(staged)
  ids.stage(staged)
  return rebuild
}

type Step = { grid: TileGrid; change: Change; tenant: string; entityId: string; head: BlockRef; page: BlockRef }

function toSteps(deps: ApplyDeps, fact: Fact, change: Change): Step[] {
  return deps.gridsOf(fact.source).flatMap((grid) => {
    const target = targetOf(grid, change)
    if (target === undefined || deps.isApplied(partitionOf(fact.tenant, target.entityId), fact)) return []
    const address = { storeId: grid.storeId, tenant: fact.tenant, entityId: target.entityId }
    const head = { grid, address: { ...address, page: undefined } }
    const page = { grid, address: { ...address, page: pageOf(grid, target.eventTimeMs) } }
    return [{ grid, change, tenant: fact.tenant, entityId: target.entityId, head, page }]
  })
}

function applyStep(deps: ApplyDeps, step: Step): RebuildRequest[] {
  const { grid, change, tenant, entityId, head, page } = step
  const entity: EntityBlocks = { head: deps.blocks.get(head), page: () => deps.blocks.get(page) }
  const rebuild = applyChange(grid, entity, change)
  if (grid.allTime.length > 0) deps.blocks.touch(head)
  if (grid.windows.length > 0) deps.blocks.touch(page)
  return rebuild.map((tile) => ({ ...tile, grid, tenant, entityId }))
}
