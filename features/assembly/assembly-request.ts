import type { Scalar } from '../../contracts/primitives.ts'
import type { FeatureValue } from '../engine/feature-value.ts'

/** What must be looked up online: a view, by the entity in a role. */
export type OnlineRead = { view: string; role: string }

export type AssemblyRequest = {
  anchor: string
  anchorTimeMs: number
  entities: Readonly<Record<string, string>>
  /** The features that the request sent. */
  features: Readonly<Record<string, Scalar>>
  /** The features of a view at the anchor time, for the entity in a role; undefined when it was not read. */
  online(view: string, role: string): ReadonlyMap<string, FeatureValue> | undefined
  /** The online store was to be read and did not answer: then `online` is not asked. */
  storeUnavailable?: boolean
}
