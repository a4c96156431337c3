import { applyChange, targetOf, type EntityBlocks, type RebuildTile } from '../engine/apply-change.ts'
import type { CompiledView } from '../engine/compile-view.ts'
import type { Fact } from '../engine/fact.ts'
import { resolveFact, type Change } from '../engine/known-ids.ts'
import { foldExcess, type MaintenancePolicy } from '../engine/maintain.ts'
import { pageOf, partitionOf } from '../engine/store-keys.ts'
import type { OnlineStore } from '../../platform/online-store/online-store.ts'
import type { BlockRef, BlockStore, StagedValues } from './block-store.ts'
import { loadIds } from './id-store.ts'

/** A tile whose value is refused until it has been read again from the warehouse. */
export type RebuildRequest = RebuildTile & { view: CompiledView; tenant: string; entityId: string }

export type ApplyDeps = {
  store: Pick<OnlineStore, 'read'>
  blocks: BlockStore
  viewsOf(source: string): readonly CompiledView[]
  policy: MaintenancePolicy
  nowMs: number
  /** Whether the partition has this record already. */
  isApplied(partition: number, fact: Fact): boolean
}

/** Applies facts in their order to every view of their source. Writes nothing: what to commit goes into `staged`. */
export async function applyFacts(deps: ApplyDeps, facts: readonly Fact[], staged: StagedValues): Promise<RebuildRequest[]> {
  const ids = await loadIds(deps.store, facts)
  const steps = facts.flatMap((fact) => resolveFact(ids.of(fact), fact).flatMap((change) => toSteps(deps, fact, change)))
  await deps.blocks.load(steps.flatMap(({ head, page }) => [head, page]))
  const rebuild = steps.flatMap((step) => applyStep(deps, step))
  for (const ref of deps.blocks.touched())
    foldExcess({ view: ref.view, block: deps.blocks.get(ref), nowMs: deps.nowMs, policy: deps.policy })
  deps.blocks.stage(staged)
  ids.stage(staged)
  return rebuild
}

type Step = { view: CompiledView; change: Change; tenant: string; entityId: string; head: BlockRef; page: BlockRef }

function toSteps(deps: ApplyDeps, fact: Fact, change: Change): Step[] {
  return deps.viewsOf(fact.source).flatMap((view) => {
    const target = targetOf(view, change)
    if (target === undefined || deps.isApplied(partitionOf(fact.tenant, target.entityId), fact)) return []
    const address = { storeId: view.storeId, tenant: fact.tenant, entityId: target.entityId }
    const head = { view, address: { ...address, page: undefined } }
    const page = { view, address: { ...address, page: pageOf(view, target.eventTimeMs) } }
    return [{ view, change, tenant: fact.tenant, entityId: target.entityId, head, page }]
  })
}

function applyStep(deps: ApplyDeps, step: Step): RebuildRequest[] {
  const { view, change, tenant, entityId, head, page } = step
  const entity: EntityBlocks = { head: deps.blocks.get(head), page: () => deps.blocks.get(page) }
  const rebuild = applyChange(view, entity, change)
  if (view.allTime.length > 0) deps.blocks.touch(head)
  if (view.windows.length > 0) deps.blocks.touch(page)
  return rebuild.map((tile) => ({ ...tile, view, tenant, entityId }))
}
