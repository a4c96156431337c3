import { partitionCount, type StoreKey } from '../../platform/online-store/online-store.ts'
import { windowStartMs, type CompiledView } from './compile-view.ts'

/** FNV-1a over UTF-16 code units: spreads entities and event ids over the store's partitions. */
export function partitionOf(tenant: string, id: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < tenant.length; index++) hash = Math.imul(hash ^ tenant.charCodeAt(index), 0x01000193)
  hash = Math.imul(hash ^ 0x1f, 0x01000193)
  for (let index = 0; index < id.length; index++) hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193)
  return ((hash ^ (hash >>> 16)) >>> 0) % partitionCount
}

/** Present in every partition once everything the log held before it is in the view. */
export function readyKey(view: CompiledView): string {
  return `ready|${view.storeId}`
}

export const blockKinds = ['head', 'page'] as const

/** One entity's block of a view: its head (expiry, all-time tile), or the page of tiles with this index. */
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

export function pageOf(view: CompiledView, timeMs: number): number {
  return Math.floor(timeMs / view.pageMs)
}

/** The keys that hold every feature of the view for one entity at one anchor; pass their values to `readFeatures`. */
export function planRead(view: CompiledView, tenant: string, entityId: string, anchorMs: number): StoreKey[] {
  return keysOfPages(view, { tenant, entityId }, pagesAt(view, anchorMs))
}

type Pages = { first: number; last: number }

/** None, with the last before the first, for a view without windows. */
function pagesAt(view: CompiledView, anchorMs: number): Pages {
  if (view.windows.length === 0) return { first: 0, last: -1 }
  return { first: pageOf(view, windowStartMs(view, view.widestMs, anchorMs)), last: pageOf(view, anchorMs - 1) }
}

function keysOfPages(view: CompiledView, of: { tenant: string; entityId: string }, { first, last }: Pages): StoreKey[] {
  const partition = partitionOf(of.tenant, of.entityId)
  const { storeId } = view
  const keys = [
    { partition, key: readyKey(view) },
    { partition, key: blockKey({ ...of, storeId, page: undefined }) },
  ]
  for (let page = first; page <= last; page++) keys.push({ partition, key: blockKey({ ...of, storeId, page }) })
  return keys
}

/** Entities remembered per view before starting over: some 10 MB. */
const maxRemembered = 20_000

/** As `planRead`, remembering each entity's keys for as long as its pages are the same: most requests ask for the pages of now. */
export function createReadPlanner(view: CompiledView): (tenant: string, entityId: string, anchorMs: number) => readonly StoreKey[] {
  const remembered = new Map<string, Map<string, Pages & { keys: StoreKey[] }>>()
  let size = 0

  function ofTenant(tenant: string): Map<string, Pages & { keys: StoreKey[] }> {
    const known = remembered.get(tenant) ?? new Map()
    remembered.set(tenant, known)
    return known
  }

  return (tenant, entityId, anchorMs) => {
    const pages = pagesAt(view, anchorMs)
    const known = remembered.get(tenant)?.get(entityId)
    if (known?.first === pages.first && known.last === pages.last) return known.keys
    const keys = keysOfPages(view, { tenant, entityId }, pages)
    if (known === undefined && ++size > maxRemembered) {
      remembered.clear()
      size = 1
    }
    ofTenant(tenant).set(entityId, { ...pages, keys })
    return keys
  }
}
