import { type FeatureWindow, windowOf } from '../../contracts/feature-window.ts'
import type { ModelFeature } from '../../contracts/model-definition.ts'
import type { Definitions } from './definition-hashes.ts'

/** The windows of a model's online features by their names there; those of all time have none. */
export function windowsOf(
  features: ReadonlyMap<string, ModelFeature>,
  { views }: Pick<Definitions, 'views'>,
): ReadonlyMap<string, FeatureWindow> {
  const windows = new Map<string, FeatureWindow>()
  for (const feature of features.values()) {
    const view = feature.source === 'online' ? views.get(feature.view) : undefined
    const aggregate = view?.features.find(({ name }) => feature.source === 'online' && name === feature.feature)
    const window = view && aggregate && windowOf(view, aggregate)
    if (window !== undefined) windows.set(feature.name, window)
  }
  return windows
}
