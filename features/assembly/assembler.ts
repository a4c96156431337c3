import { ServiceError } from '../../contracts/errors.ts'
import type { ModelFeature } from '../../contracts/model-definition.ts'
import type { ServedFeature } from '../../contracts/prediction-event.ts'
import { derivedInputs } from '../../platform/project/derivation-inputs.ts'
import type { Project, ProjectModel } from '../../platform/project/project.ts'
import type { AssemblyRequest, OnlineRead } from './assembly-request.ts'
import { checkSentFeatures } from './sent-features.ts'
import { serveFeature, type ServeContext } from './serve-feature.ts'

export type Assembler = {
  /** The online reads that this anchor's allowed features need. Throws `unknown_anchor`. */
  onlineReads(anchor: string): readonly OnlineRead[]
  /**
   * The asked-for features and what they derive from, in the order of model.yaml, with every rule of model.yaml
   * applied. Throws a `ServiceError` whose path is inside the instance, as `features.distance`: invalid_request,
   * missing_feature, unknown_feature, out_of_range, unknown_anchor, feature_unavailable, anchor_too_old or
   * online_store_unavailable.
   */
  assemble(request: AssemblyRequest): ServedFeature[]
}

export type AssemblerOptions = {
  project: Pick<Project, 'views' | 'lookups'>
  model: Pick<ProjectModel, 'definition' | 'features' | 'featureHashes'>
  /** The names of the features wanted: a version's inputs. */
  names: Iterable<string>
}

/** Computes features for training, serving and replay alike: one set of rules, without I/O. */
export function createAssembler({ project, model, names }: AssemblerOptions): Assembler {
  const plan = planOf(model.features, names)
  const anchors = anchorsOf(model.definition)
  const allowedAt = (anchor: string): ReadonlySet<string> => {
    const allowed = anchors.get(anchor)
    if (allowed === undefined)
      throw new ServiceError('unknown_anchor', `${model.definition.name} has no anchor ${anchor}`, { path: 'anchor' })
    return allowed
  }
  const placeOf = (name: string) => plan.findIndex((feature) => feature.name === name)
  const places = [...model.features.keys()].map(placeOf).filter((place) => place !== -1)
  const readsAt = new Map([...anchors].map(([anchor, allowed]) => [anchor, toReads(plan.filter(({ name }) => allowed.has(name)))]))
  return {
    onlineReads(anchor) {
      allowedAt(anchor)
      return readsAt.get(anchor) ?? []
    },
    assemble(request) {
      const allowed = allowedAt(request.anchor)
      checkSentFeatures(request, model, allowed)
      const served: ServedFeature[] = []
      const context: ServeContext = { request, project, served, featureHashes: model.featureHashes }
      for (const feature of plan) served.push(serveFeature(feature, allowed.has(feature.name), context))
      return places.map((place) => served[place] as ServedFeature)
    },
  }
}

/** The wanted features and all they derive from, each after its inputs. */
function planOf(features: ReadonlyMap<string, ModelFeature>, names: Iterable<string>): ModelFeature[] {
  const plan = new Map<string, ModelFeature>()
  const include = (name: string): void => {
    const feature = features.get(name)
    if (feature === undefined) throw new TypeError(`the model has no feature "${name}"`)
    if (plan.has(name)) return
    if (feature.source === 'derived') derivedInputs(feature.derive).forEach(include)
    plan.set(name, feature)
  }
  for (const name of names) include(name)
  return [...plan.values()]
}

function anchorsOf({ anchors, features }: ProjectModel['definition']): ReadonlyMap<string, ReadonlySet<string>> {
  if (anchors === undefined) return new Map([['request', new Set(features.map(({ name }) => name))]])
  return new Map(Object.entries(anchors).map(([anchor, { features: allowed }]) => [anchor, new Set(allowed)]))
}

function toReads(features: readonly ModelFeature[]): OnlineRead[] {
  const reads = new Map<string, OnlineRead>()
  for (const feature of features) {
    if (feature.source === 'online') reads.set(`${feature.view} ${feature.entity}`, { view: feature.view, role: feature.entity })
  }
  return [...reads.values()]
}
