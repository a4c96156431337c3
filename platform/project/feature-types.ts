import type { ModelFeature, OnlineFeature } from '../../contracts/model-definition.ts'
import type { Definitions } from './definition-hashes.ts'

export type ValueType = 'number' | 'text' | 'boolean'

/** The type of a feature's value. Views and sources that it names must exist. */
export function featureType(feature: ModelFeature, definitions: Definitions): ValueType {
  if (feature.source === 'request') return feature.type
  return feature.source === 'derived' ? 'number' : onlineType(feature, definitions)
}

/** Whether a JSON scalar is of the type; nothing is coerced. */
export function isOfType(value: unknown, type: ValueType): boolean {
  return typeof value === (type === 'text' ? 'string' : type)
}

function onlineType(feature: OnlineFeature, { views, sources }: Definitions): ValueType {
  const view = views.get(feature.view)!
  const aggregated = view.features.find(({ name }) => name === feature.feature)!
  if (aggregated.aggregation !== 'last' && aggregated.aggregation !== 'first') return 'number'
  // The window engine keeps booleans as 0 and 1.
  return sources.get(view.source)!.values[aggregated.value!]!.type === 'text' ? 'text' : 'number'
}
