import { aggregateType } from '../../contracts/aggregations.ts'
import type { ModelFeature, OnlineFeature } from '../../contracts/model-definition.ts'
import type { ValueType } from '../../contracts/primitives.ts'
import type { Definitions } from './definition-hashes.ts'

/** The type of a feature's value, as served and as stored. Views and sources that it names must exist. */
export function featureType(feature: ModelFeature, definitions: Pick<Definitions, 'views' | 'sources'>): ValueType {
  if (feature.source === 'request') return feature.type
  return feature.source === 'derived' ? 'number' : onlineType(feature, definitions)
}

/** Whether a JSON scalar is of the type; nothing is coerced. */
export function isOfType(value: unknown, type: ValueType): boolean {
  return typeof value === (type === 'text' ? 'string' : type)
}

function onlineType(feature: OnlineFeature, { views, sources }: Pick<Definitions, 'views' | 'sources'>): ValueType {
  const view = views.get(feature.view)!
  const { aggregation, value } = view.features.find(({ name }) => name === feature.feature)!
  return aggregateType(aggregation, value === undefined ? undefined : sources.get(view.source)!.values[value]!.type)
}
