import type { Warehouse } from '../../../platform/warehouse/warehouse.ts'
import type { FirstValue, FirstValues } from '../../idempotency/idempotency-store.ts'
import type { GatewayMetrics } from '../../metrics/gateway-metrics.ts'
import { findLabels } from './find-labels.ts'
import type { KnownLabel } from './known-label.ts'
import { within } from '../../../platform/service/within.ts'

export type RecallDeps = {
  store: FirstValues
  warehouse: Pick<Warehouse, 'query'>
  metrics: Pick<GatewayMetrics, 'labelLookup'>
  /** Milliseconds that a label waits for the answer of the store, and for that of the warehouse; then it goes without. */
  lookupMs: number
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
  let asking = false

  async function ask<T>(source: 'store' | 'warehouse', question: () => Promise<T>): Promise<T | undefined> {
    const asked = question().then(
      (value): TimedAnswer<T> => ({ outcome: 'answered', value }),
      (): TimedAnswer<T> => ({ outcome: 'failed' }),
    )
    const answer = await within(lookupMs, asked, (): TimedAnswer<T> => ({ outcome: 'late' }))
    metrics.labelLookup({ source, outcome: answer.outcome })
    return answer.outcome === 'answered' ? answer.value : undefined
  }

  /** Asks the warehouse once at a time: a bulk of labels must not become a bulk of queries. */
  async function askWarehouse(tenant: string, ids: readonly string[]): Promise<ReadonlyMap<string, KnownLabel> | undefined> {
    if (ids.length === 0) return new Map()
    if (asking) {
      metrics.labelLookup({ source: 'warehouse', outcome: 'busy' })
      return undefined
    }
    asking = true
    const found = findLabels(warehouse, { tenant, ids, withinMs: lookupMs }).finally(() => (asking = false))
    return await ask('warehouse', () => found)
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

type TimedAnswer<T> = { outcome: 'answered'; value: T } | { outcome: 'late' | 'failed' }
