import { ServiceError } from '../../contracts/errors.ts'
import type { OnlineStore, StoreKey } from '../../platform/online-store/online-store.ts'
import type { Instance, SeenFeatures } from './prediction.ts'
import type { ServingVersion } from './serving-model.ts'
import type { Work } from './work.ts'

/** Stands for a store that did not answer: what that means for each feature is for model.yaml to say. */
export const unread: SeenFeatures = { values: undefined, asOf: [], readAtMs: undefined }

/** The share of a request's remaining time that a read may take; the rest is for the model and for making the event durable. */
export const readShare = 1 / 2

type Keys = { keys: StoreKey[]; placeOf(key: StoreKey): number | undefined }

/**
 * What all versions of the requests need of the store, each key once: also those that may stand in, and the shadows, so that all of
 * them see the same moment.
 */
export function keysOf(works: readonly Work[]): Keys {
  const places = new Map<number, Map<string, number>>()
  const keys: StoreKey[] = []
  const add = (serving: ServingVersion, instances: readonly Instance[]) => {
    for (const instance of instances) {
      for (const key of serving.features.keysOf(instance)) {
        let own = places.get(key.partition)
        if (own === undefined) places.set(key.partition, (own = new Map()))
        if (own.has(key.key)) continue
        own.set(key.key, keys.length)
        keys.push(key)
      }
    }
  }
  for (const { groups, shadows, instances } of works) {
    for (const { routed, fallback, instances: own } of groups) {
      add(routed.serving, own)
      if (fallback?.kind === 'version') add(fallback.serving, own)
    }
    for (const { serving } of shadows) add(serving, instances)
  }
  return { keys, placeOf: ({ partition, key }) => places.get(partition)?.get(key) }
}

/** A store that fails is a result without values. */
export async function readStore(deps: { store: OnlineStore; now: () => number }, { keys, placeOf }: Keys): Promise<SeenFeatures> {
  try {
    const { values, applied } = await deps.store.read(keys)
    return { values: (key) => values[placeOf(key) ?? -1], asOf: applied, readAtMs: deps.now() }
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'online_store_unavailable') return unread
    throw error
  }
}
