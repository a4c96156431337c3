import type { TileGrid } from '../engine/compile-view.ts'
import { expirePage, foldBlock, retentionMs, type MaintenancePolicy } from '../engine/maintain.ts'
import { awaitsRebuild } from '../engine/block.ts'
import { decodeKnownId, type KnownId } from '../engine/known-ids.ts'
import { parseBlockKey, type BlockAddress } from '../engine/store-keys.ts'
import type { OnlineStore } from '../../platform/online-store/online-store.ts'
import type { RebuildRequest } from './apply-facts.ts'
import { stagedOf, type BlockRef, type BlockStore, type StagedValues } from './block-store.ts'
import { idStoreKey, parseIdKey } from './id-store.ts'

export type SweepDeps = {
  store: Pick<OnlineStore, 'read'>
  blocks: BlockStore
  grids: readonly TileGrid[]
  policy: MaintenancePolicy
  nowMs: number
}

/**
 * Folds, expires and tidies what these keys of one partition hold; what to commit goes into `staged`. Returns the
 * tiles that still wait to be rebuilt.
 */
export async function sweepKeys(
  deps: SweepDeps,
  partition: number,
  keys: readonly string[],
  staged: StagedValues,
): Promise<RebuildRequest[]> {
  const rebuild = await sweepBlocks(deps, keys)
  await sweepIds(deps, keys, staged)
  deps.blocks.stage(staged)
  removeForeignBlocks({ deps, partition, keys, staged })
  return rebuild
}

async function sweepBlocks(deps: SweepDeps, keys: readonly string[]): Promise<RebuildRequest[]> {
  const refs = keys.flatMap((key) => refOf(deps.grids, parseBlockKey(key)) ?? [])
  await deps.blocks.load(refs.flatMap((ref) => [ref, headOf(ref)]))
  return refs.flatMap((ref) => {
    const { grid, address } = ref
    const block = deps.blocks.get(ref)
    const head = headOf(ref)
    if (foldBlock({ grid, block, nowMs: deps.nowMs, policy: deps.policy })) deps.blocks.touch(ref)
    if (
      address.page !== undefined &&
      expirePage({ grid, head: deps.blocks.get(head), page: block, nowMs: deps.nowMs, policy: deps.policy })
    ) {
      deps.blocks.touch(ref)
      deps.blocks.touch(head)
    }
    const { tenant, entityId, page } = address
    return [...block.tiles].filter(([, tile]) => awaitsRebuild(tile)).map(([tile]) => ({ grid, tenant, entityId, page, tile }))
  })
}

function refOf(grids: readonly TileGrid[], address: BlockAddress | undefined): BlockRef | undefined {
  const grid = grids.find((candidate) => candidate.storeId === address?.storeId)
  return grid === undefined || address === undefined ? undefined : { grid, address }
}

function headOf({ grid, address }: BlockRef): BlockRef {
  return { grid, address: { ...address, page: undefined } }
}

/** Forgets the ids that no remaining tile could count again. */
async function sweepIds(deps: SweepDeps, keys: readonly string[], staged: StagedValues): Promise<void> {
  const ids = keys.flatMap((key) => parseIdKey(key) ?? [])
  if (ids.length === 0) return
  const { values } = await deps.store.read(ids.map(({ tenant, source, id }) => idStoreKey(tenant, source, id)))
  const old = ids.flatMap((id, index) => {
    const bytes = values[index]
    const known = bytes === undefined ? undefined : decodeKnownId(bytes)
    return known !== undefined && isOld(deps, id.source, known) ? [{ ...id, known }] : []
  })
  const heads = old.flatMap((id) => blocksOfFact(deps.grids, id))
  await deps.blocks.load(heads.map(({ ref }) => ref))
  for (const id of old) {
    const gone = blocksOfFact(deps.grids, id).every(({ ref, eventTimeMs }) => eventTimeMs < deps.blocks.get(ref).expiredThroughMs)
    const { partition, key } = idStoreKey(id.tenant, id.source, id.id)
    if (gone) stagedOf(staged, partition).set(key, undefined)
  }
}

/** Whether the id can be forgotten: never when a value of all time may still be withdrawn, or when its fact has not come yet. */
function isOld(deps: SweepDeps, source: string, known: KnownId): boolean {
  const grids = deps.grids.filter((grid) => grid.source === source)
  if (known.standing === undefined || known.standing.retracts !== undefined || grids.some((grid) => grid.allTime.length > 0)) return false
  const keptMs = Math.max(0, ...grids.map((grid) => retentionMs(grid, deps.policy)))
  return known.standing.ingestedAtMs <= deps.nowMs - keptMs
}

function blocksOfFact(
  grids: readonly TileGrid[],
  id: { tenant: string; source: string; known: KnownId },
): { ref: BlockRef; eventTimeMs: number }[] {
  const { standing } = id.known
  if (standing === undefined) return []
  return grids.flatMap((grid) => {
    const entityId = grid.source === id.source ? standing.keys[grid.key] : undefined
    if (entityId === undefined) return []
    const ref = { grid, address: { storeId: grid.storeId, tenant: id.tenant, entityId, page: undefined } }
    return [{ ref, eventTimeMs: standing.eventTimeMs }]
  })
}

/** Removes the blocks of definitions that the project does not have. */
function removeForeignBlocks(input: { deps: SweepDeps; partition: number; keys: readonly string[]; staged: StagedValues }): void {
  const known = new Set(input.deps.grids.map((grid) => grid.storeId))
  for (const key of input.keys) {
    // `head|<grid>|...`, `ready|<grid>`, or `ids|head|<grid>|...`
    const [kind, first, second] = key.split('|')
    const foreign = kind === 'ids' ? second : kind === 'event' || kind === 'meta' ? undefined : first
    if (foreign !== undefined && !known.has(foreign)) stagedOf(input.staged, input.partition).set(key, undefined)
  }
}
