import { ServiceError } from '../../contracts/errors.ts'
import type { OnlineStore, StoreKey, StoreSnapshot } from '../../platform/online-store/online-store.ts'
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts'
import type { Routed } from './routing.ts'
import type { SeenFeatures } from './run-version.ts'
import { type Instance } from './prediction.ts'

export type ReadDeps = { store: OnlineStore; metrics: GatewayMetrics; now: () => number }

export const nothingRead: SeenFeatures = { values: () => undefined, asOf: [], readAtMs: undefined }

/** The store did not answer: what that means for each feature is for model.yaml to say. */
const unread: SeenFeatures = { values: undefined, asOf: [], readAtMs: undefined }

/** The share of a request's remaining time that a read may take; the rest is for the model and for making the event durable. */
const readShare = 1 / 2

/**
 * One read of everything that the versions of a request need, so that all of them see the same moment. A store that
 * fails, or does not answer in its share of the time until `answerAtMs`, is a result without values.
 */
export async function readOnce(
  deps: ReadDeps,
  options: { routes: readonly Routed[]; instances: readonly Instance[]; answerAtMs: number },
): Promise<SeenFeatures> {
  const { keys, placeOf } = keysOf(options)
  if (keys.length === 0) return nothingRead
  const snapshot = await readWithin(deps, keys, (options.answerAtMs - deps.now()) * readShare)
  if (snapshot === undefined) return unread
  const { values, applied } = snapshot
  return { values: (key) => values[placeOf(key) ?? -1], asOf: applied, readAtMs: deps.now() }
}

type Keys = { keys: readonly StoreKey[]; placeOf(key: StoreKey): number | undefined }

/** The keys that all versions and instances need, each once. */
function keysOf({ routes, instances }: { routes: readonly Routed[]; instances: readonly Instance[] }): Keys {
  const places = new Map<number, Map<string, number>>()
  const keys: StoreKey[] = []
  const add = (key: StoreKey): void => {
    let own = places.get(key.partition)
    if (own === undefined) places.set(key.partition, (own = new Map()))
    if (own.has(key.key)) return
    own.set(key.key, keys.length)
    keys.push(key)
  }
  for (const { serving } of routes) for (const instance of instances) serving.features.keysOf(instance).forEach(add)
  return { keys, placeOf: ({ partition, key }) => places.get(partition)?.get(key) }
}

async function readWithin({ store, metrics }: ReadDeps, keys: readonly StoreKey[], withinMs: number): Promise<StoreSnapshot | undefined> {
  let timer: NodeJS.Timeout | undefined
  try {
    const snapshot = await new Promise<StoreSnapshot | undefined>((resolve, reject) => {
      // Timers come before sockets in a turn: an answer that waited through a pause of our own is not late.
      timer = setTimeout(() => setImmediate(() => resolve(undefined)), Math.max(0, withinMs))
      store.read(keys).then(resolve, reject)
    })
    metrics.storeRead(snapshot === undefined ? 'late' : 'answered')
    return snapshot
  } catch (error) {
    if (!(error instanceof ServiceError && error.code === 'online_store_unavailable')) throw error
    metrics.storeRead('failed')
    return undefined
  } finally {
    clearTimeout(timer)
  }
}
