import type { AppliedPosition } from '../../contracts/origin.ts'
import { partitionCount, type ScannableOnlineStore } from '../../platform/online-store/online-store.ts'
import type { TileGrid } from '../engine/compile-view.ts'
import type { Fact } from '../engine/fact.ts'
import type { MaintenancePolicy } from '../engine/maintain.ts'
import { readyKey } from '../engine/store-keys.ts'
import { applyFacts, type RebuildRequest } from './apply-facts.ts'
import { applyRebuild, type TileContent } from './apply-rebuild.ts'
import { createBlockStore, type StagedValues } from './block-store.ts'
import { createPositionTable, loadPositions, toPlace, type Place, type PositionTable } from './positions.ts'
import { sweepKeys } from './sweep.ts'

export type StoreWriterOptions = {
  store: ScannableOnlineStore
  grids: readonly TileGrid[]
  policy: MaintenancePolicy
  now: () => number
}

/** The one writer of the online store. Calls must not overlap; after one that throws, the same call may be made again. */
export type StoreWriter = {
  positions(): PositionTable
  /** Whether every grid holds all that its positions say. */
  isReady(): Promise<boolean>
  markReady(positions: readonly AppliedPosition[]): Promise<void>
  /** Commits what the facts change together with the places reached. */
  apply(facts: readonly Fact[], reached: readonly Place[]): Promise<void>
  /** Commits what the facts change, whatever was applied before: for loading an empty store. */
  load(facts: readonly Fact[]): Promise<void>
  /** Removes everything. */
  clear(): Promise<void>
  /** Folds and expires under these keys of a partition. */
  sweep(partition: number, keys: readonly string[]): Promise<void>
  /** Puts a tile's facts in its place. False when the warehouse lacked some of them. */
  rebuild(request: RebuildRequest, content: TileContent): Promise<boolean>
  /** The ids of the facts that the tile holds as rows. */
  rowIds(request: RebuildRequest): Promise<string[]>
  /** Tiles that were found to need a rebuild since the last call. */
  takeRebuilds(): RebuildRequest[]
  /** Forgets what was decoded and reads the positions again; true when the store has gone back behind them. */
  refresh(): Promise<boolean>
}

const partitions = Array.from({ length: partitionCount }, (_, partition) => partition)

export function createStoreWriter({ store, grids, policy, now }: StoreWriterOptions): StoreWriter {
  const blocks = createBlockStore({ store })
  const bySource = groupBySource(grids)
  let table = createPositionTable([])
  let rebuilds: RebuildRequest[] = []

  /** Commits what the action stages. When that fails, the decoded blocks are ahead of the store and are forgotten. */
  async function transact<T>(action: (staged: StagedValues) => Promise<T>, applied: readonly AppliedPosition[] | undefined): Promise<T> {
    const staged: StagedValues = new Map()
    try {
      const result = await action(staged)
      const touched = applied === undefined ? [...staged.keys()] : partitions
      if (touched.length > 0)
        await store.commit(touched.map((partition) => ({ partition, values: staged.get(partition) ?? new Map(), applied: applied ?? [] })))
      return result
    } catch (error) {
      blocks.reset()
      throw error
    }
  }

  function applyTo(staged: StagedValues, facts: readonly Fact[], isApplied: PositionTable['isApplied']): Promise<RebuildRequest[]> {
    const gridsOf = (source: string) => bySource.get(source) ?? []
    const relevant = facts.filter((fact) => bySource.has(fact.source))
    return applyFacts({ store, blocks, gridsOf, policy, nowMs: now(), isApplied }, relevant, staged)
  }

  return {
    positions: () => table,
    async isReady() {
      const keys = partitions.flatMap((partition) => grids.map((grid) => ({ partition, key: readyKey(grid) })))
      return (await store.read(keys)).values.every((value) => value !== undefined)
    },
    async markReady(positions) {
      const values = new Map(grids.map((grid) => [readyKey(grid), Uint8Array.of(1)]))
      await store.commit(partitions.map((partition) => ({ partition, values, applied: positions })))
    },
    async apply(facts, reached) {
      const found = await transact((staged) => applyTo(staged, facts, table.isApplied), table.list(reached))
      table.advance(reached)
      rebuilds.push(...found)
    },
    async load(facts) {
      rebuilds.push(...(await transact((staged) => applyTo(staged, facts, () => false), undefined)))
    },
    async clear() {
      await store.clear()
      blocks.reset()
      rebuilds = []
      table = createPositionTable([])
    },
    async sweep(partition, keys) {
      const deps = { store, blocks, grids, policy, nowMs: now() }
      rebuilds.push(...(await transact((staged) => sweepKeys(deps, partition, keys, staged), undefined)))
    },
    rebuild: (request, content) => transact((staged) => applyRebuild({ store, blocks }, request, content, staged), undefined),
    async rowIds({ grid, tenant, entityId, page, tile }) {
      const ref = { grid, address: { storeId: grid.storeId, tenant, entityId, page } }
      await blocks.load([ref])
      return (
        blocks
          .get(ref)
          .tiles.get(tile)
          ?.rows.map((row) => row.id) ?? []
      )
    },
    takeRebuilds: () => rebuilds.splice(0),
    async refresh() {
      const before = table.list()
      blocks.reset()
      table = await loadPositions(store)
      return before.some((position) => table.appliedEverywhere(toPlace(position)) < position.seq)
    },
  }
}

function groupBySource(grids: readonly TileGrid[]): Map<string, TileGrid[]> {
  const groups = new Map<string, TileGrid[]>()
  for (const grid of grids) groups.set(grid.source, [...(groups.get(grid.source) ?? []), grid])
  return groups
}
