import type { CompiledView } from '../engine/compile-view.ts'
import { compareRows, type Extreme } from '../engine/block.ts'
import type { Fact } from '../engine/fact.ts'
import type { FeatureValue } from '../engine/feature-value.ts'
import type { MaintenancePolicy } from '../engine/maintain.ts'
import { readFeatures } from '../engine/read-features.ts'
import { planRead, readyKey } from '../engine/store-keys.ts'
import { partitionCount } from '../../platform/online-store/online-store.ts'
import { createMemoryOnlineStore } from '../../platform/online-store/testing/memory-online-store.ts'
import { applyFacts, type RebuildRequest } from '../materializer/apply-facts.ts'
import { applyRebuild, type TileContent } from '../materializer/apply-rebuild.ts'
import { createBlockStore, type StagedValues } from '../materializer/block-store.ts'
import { sweepKeys } from '../materializer/sweep.ts'

/** The engine with its writer over an online store in memory, and lists of facts for its warehouse. */
export async function createEngineHarness(views: readonly CompiledView[], policy: MaintenancePolicy) {
  const store = createMemoryOnlineStore()
  const blocks = createBlockStore({ store })
  const seen: Fact[] = []
  const waiting: RebuildRequest[] = []
  const grids = views.flatMap((view) => view.grids)
  const ready = new Map(grids.map((grid) => [readyKey(grid), Uint8Array.of(1)]))
  await store.commit(Array.from({ length: partitionCount }, (_, partition) => ({ partition, values: ready, applied: [] })))

  async function commit(staged: StagedValues): Promise<void> {
    await store.commit([...staged].map(([partition, values]) => ({ partition, values, applied: [] })))
  }

  return {
    async apply(facts: readonly Fact[], nowMs: number): Promise<void> {
      const staged: StagedValues = new Map()
      seen.push(...facts)
      const gridsOf = (source: string) => grids.filter((grid) => grid.source === source)
      waiting.push(...(await applyFacts({ store, blocks, gridsOf, policy, nowMs, isApplied: () => false }, facts, staged)))
      await commit(staged)
      // What is read next comes from the stored bytes.
      blocks.reset()
    },
    async maintain(nowMs: number): Promise<void> {
      for (let partition = 0; partition < partitionCount; partition++) {
        const { keys } = await store.scan(partition, { maxKeys: 10_000 })
        if (keys.length === grids.length) continue
        const staged: StagedValues = new Map()
        waiting.push(...(await sweepKeys({ store, blocks, grids, policy, nowMs }, partition, keys, staged)))
        await commit(staged)
      }
    },
    /** Answers every rebuild request; true when all tiles hold again. */
    async rebuild(): Promise<boolean> {
      let complete = true
      for (const request of waiting.splice(0)) {
        const staged: StagedValues = new Map()
        complete = (await applyRebuild({ store, blocks }, request, contentOf(seen, request, await rowIds(request)), staged)) && complete
        await commit(staged)
      }
      return complete
    },
    async read(view: CompiledView, entityId: string, anchorMs: number): Promise<Map<string, FeatureValue>> {
      const { values } = await store.read(planRead(view, 'default', entityId, anchorMs))
      return readFeatures(view, values.map(displaced), anchorMs)
    },
  }

  async function rowIds({ grid, tenant, entityId, page, tile }: RebuildRequest): Promise<Set<string>> {
    const ref = { grid, address: { storeId: grid.storeId, tenant, entityId, page } }
    await blocks.load([ref])
    return new Set(
      blocks
        .get(ref)
        .tiles.get(tile)
        ?.rows.map((row) => row.id),
    )
  }
}

/** The bytes somewhere in a larger buffer, as a store's client gives them: aligned for one in eight. */
function displaced(bytes: Uint8Array | undefined, index: number): Uint8Array | undefined {
  if (bytes === undefined) return undefined
  const offset = index % 8
  const buffer = new Uint8Array(offset + bytes.length + 8).fill(255)
  buffer.set(bytes, offset)
  return buffer.subarray(offset, offset + bytes.length)
}

function contentOf(seen: readonly Fact[], request: RebuildRequest, apart: ReadonlySet<string>): TileContent {
  const { grid, entityId } = request
  if (request.page !== undefined) {
    const records = seen.filter((fact) => Math.floor(fact.eventTimeMs / grid.hopMs) === request.tile && fact.keys[grid.key] === entityId)
    return { records }
  }
  const standing = [...firstById(seen).values()]
  const withdrawals = standing.filter((fact) => fact.retracts !== undefined)
  const facts = standing.filter((fact) => fact.retracts === undefined && fact.keys[grid.key] === entityId && !apart.has(fact.id))
  const withdrawnAt = (fact: Fact) =>
    Math.min(Infinity, ...withdrawals.filter((other) => other.retracts === fact.id).map((other) => other.knownAtMs))
  const last = grid.columns.map(({ name }) => {
    const valued = facts.filter((fact) => fact.values[name] !== undefined && withdrawnAt(fact) === Infinity)
    const extremes = valued.map(({ id, eventTimeMs, knownAtMs, values }): Extreme => ({ id, eventTimeMs, knownAtMs, value: values[name]! }))
    return extremes.toSorted(compareRows).at(-1)
  })
  const clocks = facts.map((fact) => (withdrawnAt(fact) === Infinity ? fact.knownAtMs : Math.max(fact.knownAtMs, withdrawnAt(fact))))
  return { summary: { maxEventTimeMs: Math.max(...facts.map((fact) => fact.eventTimeMs)), maxKnownAtMs: Math.max(...clocks), last } }
}

function firstById(records: readonly Fact[]): Map<string, Fact> {
  const first = new Map<string, Fact>()
  const order = (a: Fact, b: Fact) =>
    a.ingestedAtMs - b.ingestedAtMs || Number(a.writerId > b.writerId) - Number(a.writerId < b.writerId) || a.seq - b.seq
  for (const record of records) {
    const known = first.get(record.id)
    if (known === undefined || order(record, known) < 0) first.set(record.id, record)
  }
  return first
}
