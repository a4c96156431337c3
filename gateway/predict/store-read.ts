import type { OnlineStore, StoreKey } from '../../platform/online-store/online-store.ts'
import type { Instance } from './instance.ts'
import type { Routed } from './routing.ts'
import type { SeenFeatures } from './run-version.ts'

export type ReadDeps = { store: OnlineStore; now: () => number }

export const nothingRead: SeenFeatures = { values: () => undefined, asOf: [], readAtMs: undefined }

/** One read of everything that the versions of a request need, so that all of them see the same moment. */
export async function readOnce(deps: ReadDeps, routes: readonly Routed[], instances: readonly Instance[]): Promise<SeenFeatures> {
  const keys = new Map<string, StoreKey>()
  for (const { serving } of routes) {
    for (const instance of instances) for (const key of serving.features.keysOf(instance)) keys.set(identify(key), key)
  }
  if (keys.size === 0) return nothingRead
  const snapshot = await deps.store.read([...keys.values()])
  const values = new Map([...keys.keys()].map((id, position) => [id, snapshot.values[position]]))
  return { values: (key) => values.get(identify(key)), asOf: snapshot.applied, readAtMs: deps.now() }
}

function identify({ partition, key }: StoreKey): string {
  return `${partition}/${key}`
}
