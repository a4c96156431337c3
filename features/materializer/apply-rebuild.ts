import { rebuildAllTime, rebuildTile, type AllTimeSummary } from '../engine/rebuild.ts'
import type { Fact } from '../engine/fact.ts'
import type { OnlineStore } from '../../platform/online-store/online-store.ts'
import type { RebuildRequest } from './apply-facts.ts'
import type { BlockStore, StagedValues } from './block-store.ts'
import { loadIds } from './id-store.ts'

/** What the warehouse knows of a tile: its records, or of an all-time tile its summary. */
export type TileContent = { records: readonly Fact[] } | { summary: AllTimeSummary }

export type RebuildDeps = { store: Pick<OnlineStore, 'read'>; blocks: BlockStore }

/** Puts a rebuilt tile into `staged`. False when the warehouse lacked some of its facts; then ask again later. */
export async function applyRebuild(
  deps: RebuildDeps,
  request: RebuildRequest,
  content: TileContent,
  staged: StagedValues,
): Promise<boolean> {
  const { grid, tenant, entityId } = request
  const ref = { grid, address: { storeId: grid.storeId, tenant, entityId, page: request.page } }
  await deps.blocks.load([ref])
  const tile = deps.blocks.get(ref).tiles.get(request.tile)
  if (tile === undefined) return true
  if ('summary' in content) rebuildAllTime(grid, tile, content.summary)
  else {
    const ids = await loadIds(deps.store, content.records)
    if (!rebuildTile({ grid, tile, records: content.records, ids: ids.of({ tenant, source: grid.source }) })) return false
  }
  deps.blocks.touch(ref)
  deps.blocks.stage(staged)
  return true
}
