import { openOnlineStore, type OnlineStoreConfig } from '../platform/online-store/open-online-store.ts'
import { loadProject } from '../platform/project/load-project.ts'
import type { Warehouse } from '../platform/warehouse/warehouse.ts'
import { compileProjectGrids } from './compile-project.ts'
import { defaultMaintenancePolicy } from './engine/maintain.ts'
import { createBronzeRecords } from './materializer/bronze-records.ts'
import { loadFromWarehouse } from './materializer/load-from-warehouse.ts'
import { requestRebuild } from './materializer/rebuild-request.ts'
import { createStoreWriter } from './materializer/store-writer.ts'

export type RebuildStoreOptions = {
  warehouse: Warehouse
  projectDir: string
  storeConfig: OnlineStoreConfig
  /** Whether a materializer runs: then it does the work, because there is only one writer. */
  isRunning: boolean
  id: string
  onProgress(facts: number): void
}

const patienceMs = 60_000

/** Empties the online store and loads it from the warehouse. Returns the number of feature events. */
export async function rebuildStore(options: RebuildStoreOptions): Promise<number> {
  const { warehouse, projectDir, storeConfig, isRunning, id, onProgress } = options
  const store = await openOnlineStore(storeConfig, { as: isRunning ? 'guest' : 'writer' })
  try {
    if (isRunning) return await requestRebuild(store, { id, onProgress })
    const grids = compileProjectGrids(await loadProject(projectDir))
    const writer = createStoreWriter({ store, grids, policy: defaultMaintenancePolicy, now: Date.now })
    await writer.refresh()
    const { signal } = new AbortController()
    const onLoad = (progress: { facts: number }) => onProgress(progress.facts)
    return await loadFromWarehouse({ writer, bronze: createBronzeRecords(warehouse), patienceMs, onLoad, signal })
  } finally {
    await store.close()
  }
}
