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
  const partition = partitionOf(tenant, entityId)
  const address = { storeId: view.storeId, tenant, entityId }
  const keys = [
    { partition, key: readyKey(view) },
    { partition, key: blockKey({ ...address, page: undefined }) },
  ]
  if (view.windows.length === 0) return keys
  const lastPage = pageOf(view, anchorMs - 1)
  for (let page = pageOf(view, windowStartMs(view, view.widestMs, anchorMs)); page <= lastPage; page++)
    keys.push({ partition, key: blockKey({ ...address, page }) })
  return keys
}
