import { canonicalHash } from '../../contracts/canonical-json.ts'
import type { ViewFeature } from '../../contracts/feature-view.ts'
import { windowOf } from '../../contracts/feature-window.ts'
import type { DerivedFeature, ModelFeature, OnlineFeature } from '../../contracts/model-definition.ts'
import { derivedInputs, timeZoneLookup } from './derivation-inputs.ts'
import type { Project } from './project.ts'

export type Definitions = Pick<Project, 'sources' | 'views' | 'lookups'>

/**
 * A hash per feature over everything its value depends on: itself, its view and source, lookup, and the features it
 * derives from. Descriptions and owners are left out: they change no value. The features must be free of cycles.
 */
export function hashFeatures(features: ReadonlyMap<string, ModelFeature>, definitions: Definitions): ReadonlyMap<string, string> {
  const hashes = new Map<string, string>()
  const hashOf = (name: string): string => {
    const known = hashes.get(name)
    if (known !== undefined) return known
    const hash = canonicalHash(withoutProse(dependencies(features.get(name)!, definitions, hashOf)))
    hashes.set(name, hash)
    return hash
  }
  for (const name of features.keys()) hashOf(name)
  return hashes
}

/** `feature_set_sha256` of a manifest: over the definitions of the features that the inputs name. */
export function featureSetSha256(featureHashes: ReadonlyMap<string, string>, names: Iterable<string>): string {
  return canonicalHash(Object.fromEntries([...new Set(names)].map((name) => [name, featureHashes.get(name)])))
}

function dependencies(feature: ModelFeature, definitions: Definitions, hashOf: (name: string) => string): object {
  if (feature.source === 'online') return { feature, view: onlineDependencies(feature, definitions) }
  if (feature.source === 'derived') return { feature, ...derivedDependencies(feature, definitions, hashOf) }
  return { feature }
}

/** The part of its view that the feature depends on, so that adding a sibling changes no other hash. */
function onlineDependencies(feature: OnlineFeature, { views, sources }: Definitions): object {
  const view = views.get(feature.view)!
  const { features, ...shared } = view
  const aggregate = features.find((candidate) => candidate.name === feature.feature)!
  // The hop that applies, wherever it was stated: that and the width are the interval.
  const hop_seconds = windowOf(view, aggregate)?.hop_seconds
  return { ...shared, hop_seconds, feature: withoutHop(aggregate), source: sources.get(view.source)! }
}

function withoutHop({ hop_seconds: _, allow_coarse: __, ...aggregate }: ViewFeature): object {
  return aggregate
}

function derivedDependencies(feature: DerivedFeature, { lookups }: Definitions, hashOf: (name: string) => string): object {
  const lookup = timeZoneLookup(feature.derive)
  const inputs = Object.fromEntries(derivedInputs(feature.derive).map((name) => [name, hashOf(name)]))
  if (lookup === undefined) return { inputs }
  const { entity, values } = lookups.get(lookup.lookup)!
  return { inputs, lookup: { entity, values_sha256: canonicalHash(values) } }
}

/** A copy without the texts called `description` and `owner`, at any depth. */
function withoutProse(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutProse)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([key, part]) => !(isProse(key) && typeof part === 'string') && part !== undefined)
  return Object.fromEntries(entries.map(([key, part]) => [key, withoutProse(part)]))
}

function isProse(key: string): boolean {
  return key === 'description' || key === 'owner'
}
