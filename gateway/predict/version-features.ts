import type { ServedFeature } from '../../contracts/prediction-event.ts'
import type { StoreKey } from '../../platform/online-store/online-store.ts'
import type { Instance } from './instance.ts'

/** How one version's features come about. Both steps are pure. */
export type VersionFeatures = {
  /** What must be read from the online store for this instance; none when the version uses no online feature. */
  keysOf(instance: Instance): StoreKey[]
  /**
   * Every feature of the version with its value and where it came from. Throws a `ServiceError` when the request or
   * model.yaml's rules forbid an answer: with status 400 for what the request alone decides, else 422.
   */
  assemble(instance: Instance, values: StoredValues): ServedFeature[]
}

export type StoredValues = (key: StoreKey) => Uint8Array | undefined
