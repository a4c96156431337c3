import { partitionCount, type StoreKey } from '../../platform/online-store/online-store.ts'
import { windowStartMs, type CompiledView, type TileGrid } from './compile-view.ts'

/** FNV-1a over UTF-16 code units: spreads entities and event ids over the store's partitions. */
export function partitionOf(tenant: string, id: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < tenant.length; index++) hash = Math.imul(hash ^ tenant.charCodeAt(index), 0x01000193)
  hash = Math.imul(hash ^ 0x1f, 0x01000193)
  for (let index = 0; index < id.length; index++) hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193)
  return ((hash ^ (hash >>> 16)) >>> 0) % partitionCount
}

/** Present in every partition once everything the log held before it is in the grid. */
export function readyKey(grid: TileGrid): string {
  return `ready|${grid.storeId}`
}

export const blockKinds = ['head', 'page'] as const

/** One entity's block of a grid: its head (expiry, all-time tile), or the page of tiles with this index. */
export type BlockAddress = { storeId: string; tenant: string; entityId: string; page: number | undefined }

export function blockKey(address: BlockAddress): string {
  const { storeId, tenant, entityId, page } = address
  return page === undefined ? `head|${storeId}|${tenant}||${entityId}` : `page|${storeId}|${tenant}|${page}|${entityId}`
}

/** What only the materializer needs of a block (ids, ingestion times), apart so that a read does not fetch it. */
export function ledgerKey(key: string): string {
  return `ids|${key}`
}

/** The inverse of `blockKey`; undefined for a key of another kind. */
export function parseBlockKey(key: string): BlockAddress | undefined {
  const [kind, storeId, tenant, page, ...rest] = key.split('|')
  if ((kind !== 'head' && kind !== 'page') || storeId === undefined || tenant === undefined) return undefined
  return { storeId, tenant, entityId: rest.join('|'), page: kind === 'head' ? undefined : Number(page) }
}

export function pageOf(grid: TileGrid, timeMs: number): number {
  return Math.floor(timeMs / grid.pageMs)
}

/** The keys that hold every feature of the view for one entity at one anchor; pass their values to `readFeatures`. */
export function planRead(view: CompiledView, tenant: string, entityId: string, anchorMs: number): StoreKey[] {
  return keysOfPages(view, { tenant, entityId }, pagesAt(view, anchorMs))
}

/** How many keys `planRead` gives for each grid of the view, in their order. */
export function keyCounts(view: CompiledView, anchorMs: number): number[] {
  return pagesAt(view, anchorMs).map(({ first, last }) => keysBeforePages + last - first + 1)
}

/** The keys of `ready` and of the head. */
const keysBeforePages = 2

type Pages = { first: number; last: number }

/** The pages that each view was last read at: requests that come together mostly ask for the same moment. */
const lastPages = new WeakMap<CompiledView, { anchorMs: number; pages: readonly Pages[] }>()

function pagesAt(view: CompiledView, anchorMs: number): readonly Pages[] {
  const last = lastPages.get(view)
  if (last?.anchorMs === anchorMs) return last.pages
  const pages = view.grids.map((grid) => pagesOfGrid(grid, anchorMs))
  lastPages.set(view, { anchorMs, pages })
  return pages
}

/** The pages that a read at the anchor needs: none, with the last before the first, for a grid without windows. */
function pagesOfGrid(grid: TileGrid, anchorMs: number): Pages {
  if (grid.windows.length === 0) return { first: 0, last: -1 }
  const startMs = windowStartMs({ widthMs: grid.widestMs, hopMs: grid.hopMs }, anchorMs)
  return { first: pageOf(grid, startMs), last: pageOf(grid, anchorMs - 1) }
}

function keysOfPages(view: CompiledView, entity: { tenant: string; entityId: string }, pages: readonly Pages[]): StoreKey[] {
  const partition = partitionOf(entity.tenant, entity.entityId)
  const keys: StoreKey[] = []
  for (const [index, grid] of view.grids.entries()) {
    const { storeId } = grid
    const { first, last } = pages[index] as Pages
    keys.push({ partition, key: readyKey(grid) }, { partition, key: blockKey({ ...entity, storeId, page: undefined }) })
    for (let page = first; page <= last; page++) keys.push({ partition, key: blockKey({ ...entity, storeId, page }) })
  }
  return keys
}

/** Entities remembered per view before starting over: some 10 MB. */
const maxRemembered = 20_000

type Remembered = { pages: readonly Pages[]; keys: StoreKey[] }

/** Plans reads as `planRead` does, and remembers an entity's keys while its pages are the same: most requests ask for the pages of now. */
export function createReadPlanner(view: CompiledView): (tenant: string, entityId: string, anchorMs: number) => readonly StoreKey[] {
  const remembered = new Map<string, Map<string, Remembered>>()
  let size = 0

  function ofTenant(tenant: string): Map<string, Remembered> {
    const known = remembered.get(tenant) ?? new Map<string, Remembered>()
    remembered.set(tenant, known)
    return known
  }

  return (tenant, entityId, anchorMs) => {
    const pages = pagesAt(view, anchorMs)
    const known = remembered.get(tenant)?.get(entityId)
    if (known !== undefined && areSame(known.pages, pages)) return known.keys
    const keys = keysOfPages(view, { tenant, entityId }, pages)
    if (known === undefined && ++size > maxRemembered) {
      remembered.clear()
      size = 1
    }
    ofTenant(tenant).set(entityId, { pages, keys })
    return keys
  }
}

function areSame(a: readonly Pages[], b: readonly Pages[]): boolean {
  return a === b || a.every(({ first, last }, index) => first === b[index]?.first && last === b[index].last)
}
