import { partitionCount, type ScannableOnlineStore } from '../../platform/online-store/online-store.ts'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import { blockKey } from '../engine/store-keys.ts'
import { readAllTimeSummary } from './all-time-summary.ts'
import type { RebuildRequest } from './apply-facts.ts'
import type { TileContent } from './apply-rebuild.ts'
import type { BronzeRecords } from './bronze-records.ts'
import type { StoreWriter } from './store-writer.ts'

export type HousekeepingDeps = {
  store: ScannableOnlineStore
  writer: StoreWriter
  bronze: BronzeRecords
  warehouse: Warehouse
  /** A whole round over the store takes at least this long. */
  roundMs?: number
  now: () => number
  onError(error: unknown): void
}

/** Keys looked at in one step: a few milliseconds between two batches. */
const keysPerStep = 200
const retryMs = 5_000

/** What happens between batches: folding, expiry, and tiles that are rebuilt from the warehouse. Steps never overlap. */
export function createHousekeeping(deps: HousekeepingDeps) {
  const { store, writer, roundMs = 60_000, now } = deps
  const waiting = new Map<string, Waiting>()
  const arrived: { entry: Waiting; content: TileContent }[] = []
  let fetching: Promise<void> | undefined
  let place: { partition: number; after: string | undefined } = { partition: 0, after: undefined }
  let roundStartedMs = -Infinity

  async function sweep(): Promise<void> {
    const atStart = place.partition === 0 && place.after === undefined
    if (atStart && now() - roundStartedMs < roundMs) return
    if (atStart) roundStartedMs = now()
    // Empty partitions cost nothing worth a step of their own.
    for (let looked = 0; looked < partitionCount; looked++) {
      const { keys, next } = await store.scan(place.partition, { after: place.after, maxKeys: keysPerStep })
      if (keys.length > 0) await writer.sweep(place.partition, keys)
      place = next === undefined ? { partition: (place.partition + 1) % partitionCount, after: undefined } : { ...place, after: next }
      if (keys.length > 0 || (place.partition === 0 && place.after === undefined)) return
    }
  }

  async function rebuild(): Promise<void> {
    // A tile that was asked for again has changed: what was fetched for it before no longer holds.
    for (const request of writer.takeRebuilds()) waiting.set(tileKey(request), { request, notBeforeMs: 0 })
    for (const { entry, content } of arrived.splice(0)) {
      if (waiting.get(tileKey(entry.request)) !== entry) continue
      if (await writer.rebuild(entry.request, content)) waiting.delete(tileKey(entry.request))
      else entry.notBeforeMs = now() + retryMs
    }
    const next = [...waiting.values()].find(({ notBeforeMs }) => notBeforeMs <= now())
    if (next === undefined || fetching !== undefined) return
    const apart = await writer.rowIds(next.request)
    fetching = fetchContent(next, apart).finally(() => (fetching = undefined))
  }

  /** Fetches the content of a tile that waits, beside the batches: only what arrives is applied between them. */
  async function fetchContent(entry: Waiting, apart: readonly string[]): Promise<void> {
    entry.notBeforeMs = now() + retryMs
    try {
      const content = await contentOf(deps, entry.request, apart)
      if (content !== undefined) arrived.push({ entry, content })
    } catch (error) {
      deps.onError(error)
    }
  }

  return {
    async step(): Promise<void> {
      await rebuild()
      await sweep()
    },
    /** Tiles that are refused until they are rebuilt. */
    waiting: () => waiting.size,
    async stop(): Promise<void> {
      await fetching
    },
  }
}

type Waiting = { request: RebuildRequest; notBeforeMs: number }

function tileKey({ grid, tenant, entityId, page, tile }: RebuildRequest): string {
  return `${tile}|${blockKey({ storeId: grid.storeId, tenant, entityId, page })}`
}

async function contentOf(deps: HousekeepingDeps, request: RebuildRequest, apart: readonly string[]): Promise<TileContent | undefined> {
  const { bronze, warehouse, writer } = deps
  const { grid, tenant, entityId, page, tile } = request
  if (page !== undefined) {
    const fromMs = tile * grid.hopMs
    const scope = { tenant, source: grid.source, key: grid.key, entityId }
    return { records: await bronze.factsOfEntity({ ...scope, fromMs, toMs: fromMs + grid.hopMs }) }
  }
  const applied = writer.positions().list()
  const complete = await bronze.completePositions()
  const covered = applied.every((wanted) =>
    complete.some((found) => found.writer_id === wanted.writer_id && found.epoch === wanted.epoch && found.seq >= wanted.seq),
  )
  return covered ? { summary: await readAllTimeSummary(warehouse, { grid, tenant, entityId, apart, applied }) } : undefined
}
