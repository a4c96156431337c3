import type { Warehouse } from '../../../platform/warehouse/warehouse.ts'
import type { FirstValue, FirstValues } from '../../idempotency/idempotency-store.ts'
import { findLabels } from './find-labels.ts'
import type { KnownLabel } from './known-label.ts'
import { createSingleLookup, createTimedLookup, type LookupDeps } from './timed-lookup.ts'

export type RecallDeps = LookupDeps & {
  store: FirstValues
  warehouse: Pick<Warehouse, 'query'>
}

export type Recalled = {
  standing: ReadonlyMap<string, KnownLabel>
  /** Whether an id that is not among them has never been stored, as far as the warehouse is behind no more than the store reaches back. */
  complete: boolean
  /** Takes back what was kept in the store. */
  undo(): Promise<void>
}

export type Recall = ReturnType<typeof createRecall>

/**
 * What stands under the ids of labels, as far as the store of keys and then the warehouse know; where the store knows nothing, it keeps what
 * is said now. Never throws: what does not answer in time is counted, and goes unasked.
 */
export function createRecall({ store, warehouse, metrics, lookupMs }: RecallDeps) {
  const ask = createTimedLookup({ metrics, lookupMs })
  const askSingle = createSingleLookup('warehouse', { metrics, lookupMs })

  async function askWarehouse(tenant: string, ids: readonly string[]): Promise<ReadonlyMap<string, KnownLabel> | undefined> {
    return ids.length === 0 ? new Map() : await askSingle(() => findLabels(warehouse, { tenant, ids, withinMs: lookupMs }))
  }

  return async function recall(
    said: ReadonlyMap<string, KnownLabel>,
    others: readonly string[],
    options: { tenant: string; dryRun: boolean },
  ): Promise<Recalled> {
    const { tenant, dryRun } = options
    const toKey = (id: string) => `${tenant}:${id}`
    const entries = [...said].map(([id, known]): FirstValue => ({ key: toKey(id), value: JSON.stringify(known) }))
    const keys = entries.map(({ key }) => key)
    const own = entries.length === 0 ? [] : await ask('store', () => (dryRun ? store.readFirst(keys) : store.keepFirst(entries)))
    const rest = others.length === 0 ? [] : await ask('store', () => store.readFirst(others.map(toKey)))
    const standing = new Map<string, KnownLabel>()
    for (const [ids, held] of [[[...said.keys()], own] as const, [others, rest] as const])
      for (const [at, id] of ids.entries()) {
        const value = held?.[at]
        if (value !== undefined) standing.set(id, JSON.parse(value) as KnownLabel)
      }
    const kept = dryRun || own === undefined ? [] : entries.filter((_, at) => own[at] === undefined)
    const undo = async (which: readonly FirstValue[]) => {
      if (which.length > 0) await store.forget(which).catch(() => undefined)
    }
    const inWarehouse = await askWarehouse(
      tenant,
      [...said.keys(), ...others].filter((id) => !standing.has(id)),
    )
    for (const [id, known] of inWarehouse ?? []) standing.set(id, known)
    // What the warehouse has stands, and not what was kept a moment ago.
    await undo(kept.filter(({ key }) => inWarehouse?.has(key.slice(toKey('').length)) === true))
    return { standing, complete: inWarehouse !== undefined && rest !== undefined, undo: () => undo(kept) }
  }
}
